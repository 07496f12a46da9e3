import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KnownState } from './contract.ts'
import { judge, type Observation } from './verdict.ts'

const now = 1_000_000
const killed = { at: '2026-05-17T12:00:00.000Z', code: null, signal: 'SIGKILL', upMs: 61_400 }
const known = (breaker: string): KnownState => ({
  at: now,
  spooled: 0,
  pendingWrites: 0,
  breaker,
  lagMs: 0,
  caughtUp: true,
  rssBytes: 0,
  projects: []
})
const seen = (over: Partial<Observation>): Observation => ({
  now,
  phase: 'ready',
  lastBeat: now,
  restarts: 0,
  known: undefined,
  exits: [],
  address: undefined,
  ...over
})

test('a platform that gives signs of life is well and ready', () => {
  assert.deepEqual(judge(seen({})), { status: 'pass', output: 'up', ready: true })
  assert.equal(judge(seen({ lastBeat: now - 3_000, known: known('closed'), exits: [killed] })).status, 'pass')
  assert.equal(judge(seen({ known: known('none') })).status, 'pass')
})

test('one that has been silent for more than three seconds is stuck, and not ready', () => {
  const { status, output, ready } = judge(seen({ lastBeat: now - 12_400 }))
  assert.deepEqual([status, ready], ['fail', false])
  assert.match(output, /silent for 12 s/)
  assert.equal(judge(seen({ lastBeat: now - 3_001 })).status, 'fail')
})

test('one whose metadata breaker is not closed is ready all the same, with a warning', () => {
  for (const state of ['open', 'half-open']) {
    const { status, output, ready } = judge(seen({ known: known(state) }))
    assert.deepEqual([status, ready], ['warn', true])
    assert.ok(output.includes(state))
  }
  assert.equal(judge(seen({ known: known('open'), lastBeat: 0 })).status, 'fail', 'silence weighs more')
})

test('one that is down says how it ended, when, and after how long', () => {
  const down = judge(seen({ phase: 'down', exits: [killed] }))
  assert.deepEqual([down.status, down.ready], ['fail', false])
  assert.match(down.output, /SIGKILL at 2026-05-17T12:00:00.000Z, after 61 s/)
  const failed = judge(seen({ phase: 'down', exits: [killed, { ...killed, signal: null, code: 7 }] }))
  assert.match(failed.output, /exited with 7/, 'the last exit is the one that counts')
  assert.equal(judge(seen({ phase: 'down' })).output, 'down')
})

test('one that starts is not ready yet, and says whether for the first time', () => {
  assert.deepEqual(judge(seen({ phase: 'starting' })), { status: 'fail', output: 'starting', ready: false })
  assert.match(judge(seen({ phase: 'starting', exits: [killed] })).output, /again after .*SIGKILL/)
})

test('one that stops as asked is no failure; one that could not start is', () => {
  assert.deepEqual(
    [judge(seen({ phase: 'stopping' })).status, judge(seen({ phase: 'stopping' })).ready],
    ['warn', false]
  )
  assert.deepEqual([judge(seen({ phase: 'failed' })).status, judge(seen({ phase: 'failed' })).ready], ['fail', false])
})
