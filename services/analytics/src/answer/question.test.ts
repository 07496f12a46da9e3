import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Problem } from '@plimsoll/http'
import { askedFor, suggestedRange } from './question.ts'

const hour = 3_600_000
const day = 24 * hour
const now = Date.parse('2026-05-17T10:20:30Z')
const at = (iso: string) => Date.parse(iso)
const ask = (query: object) => askedFor({ project: 'shop', ...query }, suggestedRange(null, null, now))
const refuses = (code: string, query: object) =>
  assert.throws(
    () => ask(query),
    error => error instanceof Problem && error.status === 400 && error.code === code,
    JSON.stringify(query)
  )

describe('a question', () => {
  it('has a default for everything but the project', () => {
    assert.deepEqual(ask({}), {
      project: 'shop',
      from: at('2026-05-10T11:00:00Z'),
      to: at('2026-05-17T11:00:00Z'),
      step: 'hour',
      regions: [],
      top: 10
    })
  })

  it('is widened to whole hours, so that alike questions have one answer', () => {
    const { from, to } = ask({ from: '2026-05-01T10:59:59.999Z', to: '2026-05-02T10:00:00.001+02:00' })
    assert.deepEqual([from, to], [at('2026-05-01T10:00:00Z'), at('2026-05-02T09:00:00Z')])
    const aligned = ask({ from: '2026-05-01T10:00:00Z', to: '2026-05-02T10:00:00Z' })
    assert.deepEqual([aligned.from, aligned.to], [at('2026-05-01T10:00:00Z'), at('2026-05-02T10:00:00Z')])
  })

  it('is by the hour up to eight days, and by the day beyond', () => {
    const step = (days: number, more = 0) => {
      const from = at('2026-01-01T00:00:00Z')
      return ask({ from: new Date(from).toISOString(), to: new Date(from + days * day + more).toISOString() }).step
    }
    assert.deepEqual([step(1), step(8), step(8, 1), step(365)], ['hour', 'hour', 'day', 'day'])
  })

  it('names regions once, in one order', () => {
    assert.deepEqual(ask({ region: ' us,eu,,us ' }).regions, ['eu', 'us'])
    assert.deepEqual(ask({ region: ' , ' }).regions, [])
  })

  it('is refused when it makes no sense or asks for too much', () => {
    refuses('invalid_range', { from: 'yesterday' })
    refuses('invalid_range', { to: '2026-02-28T99:00:00Z' })
    refuses('invalid_range', { from: '2026-05-17T10:00:00Z', to: '2026-05-17T10:00:00Z' })
    refuses('invalid_range', { from: '2026-05-18T10:00:00Z', to: '2026-05-17T10:00:00Z' })
    refuses('invalid_range', { from: '2026-05-18T00:00:00Z' })
    refuses('invalid_range', { from: '2015-01-01T00:00:00Z' })
    refuses('invalid_region', { region: Array.from({ length: 21 }, (_, n) => `r${n}`).join(',') })
    assert.equal(ask({ region: Array.from({ length: 20 }, (_, n) => `r${n}`).join(',') }).regions.length, 20)
  })
})

describe('where a dashboard opens', () => {
  const week = { from: at('2026-05-10T11:00:00Z'), to: at('2026-05-17T11:00:00Z') }

  it('is the last seven days when something happened in them, or when there is nothing', () => {
    assert.deepEqual(suggestedRange(null, null, now), week)
    assert.deepEqual(suggestedRange(at('2020-01-01T00:00:00Z'), now - 7 * day, now), week)
    assert.deepEqual(suggestedRange(now, now + 60_000, now), week)
  })

  it('is the days of the data when all of it is older', () => {
    assert.deepEqual(suggestedRange(at('2015-05-17T10:05:03Z'), at('2015-05-20T21:05:15Z'), now), {
      from: at('2015-05-17T00:00:00Z'),
      to: at('2015-05-21T00:00:00Z')
    })
  })

  it('is the end of the data when there is more of it than one question may ask for', () => {
    const range = suggestedRange(at('2005-05-17T10:05:03Z'), at('2015-05-20T21:05:15Z'), now)
    assert.equal(range.to, at('2015-05-21T00:00:00Z'))
    assert.equal(askedFor({ project: 'shop' }, range).from, range.from, 'it can be asked for')
    assert.ok(range.to - range.from > 3 * 365 * day)
  })
})
