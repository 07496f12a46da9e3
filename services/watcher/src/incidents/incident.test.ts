import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Diagnosis, Finding } from '@plimsoll/recorder'
import { type Following, follow, type News } from './incident.ts'

const noon = Date.UTC(2026, 10, 28, 12)
const patience = { openAfterMs: 15_000, closeAfterMs: 60_000 }
const cause = (rule: string, over: Partial<Finding> = {}): Finding => ({
  rule,
  subject: 'metadata',
  title: `${rule} of metadata`,
  evidence: [{ at: noon, text: '812 ms' }],
  cost: 'some',
  lever: { name: 'breaker', action: 'wait', page: 'docs/levers.md' },
  since: noon,
  symptoms: [],
  ...over
})
const diagnosed = (
  causes: Finding[],
  state: Diagnosis['state'] = causes.length > 0 ? 'degraded' : 'healthy'
): Diagnosis => ({
  at: noon,
  state,
  summary: 'as it is',
  causes,
  limits: [],
  lastHeard: {}
})

/** An end of the platform at a second, of which it was up again at once. */
const end = (second: number): Finding =>
  cause('out-of-memory', {
    subject: 'platform',
    title: 'out-of-memory of platform',
    evidence: [{ at: noon + second * 1_000, text: 'it was ended by SIGABRT', series: 'exit' }],
    since: noon + second * 1_000,
    until: noon + second * 1_000 + 800
  })

/** Looks every five seconds; each look is what was diagnosed then. Returns the news with the second it came at. */
function watch(looks: Diagnosis[], begin: Following = { wellMs: 0 }, from = noon) {
  let state = begin
  const news: [second: number, kind: News['kind'], title: string][] = []
  looks.forEach((diagnosis, index) => {
    const now = from + index * 5_000
    const step = follow(state, diagnosis, { now, patience, newId: () => 'the one' })
    state = step.state
    if (step.news) news.push([index * 5, step.news.kind, step.news.incident.cause.title])
  })
  return { state, news }
}
const times = (n: number, diagnosis: Diagnosis) => Array.from({ length: n }, () => diagnosis)
const slow = diagnosed([cause('slow')])
const gone = diagnosed([cause('gone'), cause('slow')])
const well = diagnosed([])

describe('an incident', () => {
  it('opens when a cause has stood, and closes when nothing has been wrong for a while', () => {
    const { news, state } = watch([...times(10, slow), ...times(20, well)])
    assert.deepEqual(news, [
      [15, 'opened', 'slow of metadata'],
      [105, 'closed', 'slow of metadata']
    ])
    assert.equal(state.open, undefined)
  })

  it('does not open for what comes and goes', () => {
    const { news } = watch([...times(3, slow), well, ...times(3, slow), well, ...times(3, slow)])
    assert.deepEqual(news, [])
  })

  it('is one, whatever it turns into, and says so once', () => {
    const { news } = watch([...times(6, slow), ...times(10, gone), ...times(3, slow), ...times(4, gone)])
    assert.deepEqual(news, [
      [15, 'opened', 'slow of metadata'],
      [45, 'updated', 'gone of metadata']
    ])
  })

  it('does not close while it comes back', () => {
    const { news } = watch([...times(5, slow), ...times(6, well), slow, ...times(11, well), slow])
    assert.deepEqual(
      news.map(([, kind]) => kind),
      ['opened']
    )
  })

  it('is not opened for what is over, and not closed for want of records', () => {
    const over = diagnosed([cause('slow', { until: noon + 1 })], 'healthy')
    assert.deepEqual(watch(times(20, over)).news, [])
    const { news, state } = watch([...times(5, slow), ...times(40, diagnosed([], 'unknown'))])
    assert.deepEqual([news.length, state.open?.id], [1, 'the one'])
  })

  it('is opened for a platform that is down for no known reason', () => {
    assert.deepEqual(watch(times(5, diagnosed([], 'down'))).news, [
      [15, 'opened', 'The platform is down, and no rule knows why']
    ])
  })

  it('opens at once for an end that nobody asked for, also when it is over by the next look', () => {
    const { news, state } = watch([...times(3, well), ...times(12, diagnosed([end(15)])), ...times(12, well)])
    assert.deepEqual(news, [
      [15, 'opened', 'out-of-memory of platform'],
      [75, 'closed', 'out-of-memory of platform']
    ])
    const again = follow(state, diagnosed([end(15)]), { now: noon + 140_000, patience, newId: () => 'another' })
    assert.equal(again.news, undefined, 'and is not opened anew while the same end is still told')
  })

  it('is one for a loop of such ends, and over when it has stayed up for longer than between them', () => {
    for (const [period, expected] of [
      [40, ['opened', 'closed']],
      [150, ['opened', 'closed', 'opened', 'closed']]
    ] as const) {
      const looks = Array.from({ length: 300 }, (_, look) => {
        const last = Math.min(4, Math.floor((look * 5) / period)) * period
        return look * 5 - last <= 60 ? diagnosed([end(last)]) : well
      })
      const { news } = watch(looks)
      assert.deepEqual(
        news.map(([, kind]) => kind),
        expected,
        `every ${period} s`
      )
      assert.ok(news.at(-1)![0] >= 4 * period + Math.max(60, 2 * period), `${news.at(-1)![0]} s`)
    }
  })

  it('turns to an end at once, and once', () => {
    const looks = (second: number) => times(3, diagnosed([cause('slow'), end(second)]))
    const { news } = watch([...times(5, slow), ...looks(25), ...times(5, slow), ...looks(65), ...times(5, slow)])
    assert.deepEqual(news, [
      [15, 'opened', 'slow of metadata'],
      [25, 'updated', 'out-of-memory of platform'],
      [45, 'updated', 'slow of metadata']
    ])
  })

  it('is opened for what an end follows from', () => {
    const symptoms = [{ ...end(5), rule: 'platform-gave-up' }]
    const root = cause('store-gone', { until: noon + 9_000, symptoms })
    assert.deepEqual(watch([diagnosed([root], 'healthy')]).news, [[0, 'opened', 'store-gone of metadata']])
  })

  it('tells of an end though the one before it was told by a clock that was ahead', () => {
    const before = watch([diagnosed([end(3_600)])], { wellMs: 0 }, noon + 3_600_000).state
    const { open: _, ...closed } = before
    assert.equal(watch([diagnosed([end(5)])], closed).news.length, 1)
  })

  it('counts only a little of the time in which nobody looked, and none of a clock that went back', () => {
    const { state } = watch([slow])
    const later = follow(state, slow, {
      now: noon + 3_600_000,
      patience: { ...patience, openAfterMs: 25_000 },
      newId: () => ''
    })
    assert.equal(later.news, undefined)
    assert.equal(later.state.rising?.stoodMs, 20_000)
    const back = follow(state, slow, { now: noon - 3_600_000, patience, newId: () => '' })
    assert.equal(back.state.rising?.stoodMs, 0)
  })
})
