import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding, Standing } from '@plimsoll/recorder'
import { StandingNotes } from './standing-notes.ts'

const noon = Date.UTC(2026, 10, 28, 12)
const cause = (over: Partial<Finding> = {}): Finding => ({
  rule: 'slow-dependency',
  subject: 'metadata',
  title: 'slow',
  evidence: [],
  cost: 'some',
  lever: { name: 'breaker', action: 'wait', page: 'docs/levers.md' },
  since: noon,
  symptoms: [],
  ...over
})

test('a cause is noted once a minute from when it has gone on for long, and no more when it is over', () => {
  const notes: [seconds: number, standing: Standing][] = []
  const following = new StandingNotes((standing, now) => notes.push([(now - noon) / 1_000, standing]))
  for (let second = 0; second <= 400; second += 10) following.observe({ causes: [cause()] }, noon + second * 1_000)
  assert.deepEqual(
    notes.map(([seconds]) => seconds),
    [240, 300, 360]
  )
  assert.deepEqual(notes[0]![1], { rule: 'slow-dependency', subject: 'metadata', since: noon })
  following.observe({ causes: [cause({ until: noon + 400_000 })] }, noon + 500_000)
  assert.equal(notes.length, 3)
})

test('each of several is noted, and a clock that was put back silences none', () => {
  const notes: string[] = []
  const following = new StandingNotes(({ subject }) => notes.push(subject))
  const since = noon - 7_200_000
  const causes = [cause({ since }), cause({ rule: 'store-slow', subject: 'primary', since })]
  following.observe({ causes }, noon)
  following.observe({ causes }, noon - 3_600_000)
  assert.deepEqual(notes, ['metadata', 'primary', 'metadata', 'primary'])
})
