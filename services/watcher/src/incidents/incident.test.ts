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
