import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CheckView } from '../board/details.ts'
import type { Limits, Seen } from './seen.ts'
import { liveness, readiness, report, startup } from './verdict.ts'

const limits: Limits = {
  stuckAfterMs: 2_000,
  loopDelayWarnMs: 250,
  heapWarnShare: 0.9,
  release: undefined,
  service: undefined
}
const wallMs = Date.UTC(2026, 4, 17, 12)
const well: Seen = {
  nowMs: 100_000,
  wallMs,
  silentMs: 80,
  state: { started: true, ready: true, draining: false },
  figures: { delayP50Ms: 1, delayP99Ms: 9, delayMaxMs: 30, utilisation: 0.2, heapUsedBytes: 50, heapLimitBytes: 100 },
  details: { notReady: '', checks: [] },
  restarts: 0,
  rssBytes: 1_000,
  uptimeMs: 5_000
}
const seen = (over: Partial<Seen> = {}): Seen => ({ ...well, ...over })
const view = (over: Partial<CheckView> = {}): CheckView => ({
  name: 'postgres:ping',
  kind: 'shared',
  readiness: 'warn',
  status: 'pass',
  observedValue: 2,
  observedUnit: 'ms',
  atMs: 99_000,
  staleAfterMs: 33_000,
  failures: 0,
  ...over
})
const withChecks = (...checks: CheckView[]) => seen({ details: { notReady: '', checks } })
const shared = view({ status: 'fail', output: 'connect ECONNREFUSED', failures: 7 })
const own = view({ name: 'disk:free', kind: 'own', readiness: 'fail', status: 'fail', output: 'ENOSPC' })
const verdicts = (s: Seen) => [liveness, readiness, startup, report].map(judge => judge(s, limits).status)

test('a process that is well passes everything', () => {
  assert.deepEqual(verdicts(well), ['pass', 'pass', 'pass', 'pass'])
})

test('a stuck main thread fails liveness and readiness, and says for how long; startup it does not touch', () => {
  assert.deepEqual(verdicts(seen({ silentMs: 2_000 })), ['pass', 'pass', 'pass', 'pass'])
  const stuck = seen({ silentMs: 7_340 })
  assert.deepEqual(verdicts(stuck), ['fail', 'fail', 'pass', 'fail'])
  const { output, checks } = liveness(stuck, limits)
  assert.equal(output, 'the main thread is stuck: no sign of life for 7.3 s')
  assert.deepEqual(checks, {
    'eventLoop:silence': [
      { status: 'fail', observedValue: 7_340, observedUnit: 'ms', time: '2026-05-17T12:00:00.000Z', output }
    ]
  })
})

test('no dependency and no resource ever fails liveness', () => {
  for (const checks of [[shared], [own], [shared, own]]) {
    assert.equal(liveness(withChecks(...checks), limits).status, 'pass')
  }
})

test('what is shared only degrades readiness, and fails the report', () => {
  assert.deepEqual(verdicts(withChecks(shared)), ['pass', 'warn', 'pass', 'fail'])
  const { output, checks } = readiness(withChecks(shared), limits)
  assert.equal(output, 'postgres:ping: connect ECONNREFUSED')
  assert.equal(checks['postgres:ping']![0]!.status, 'fail', 'the check itself is told as it is')
})

test('what is own fails readiness', () => {
  assert.deepEqual(verdicts(withChecks(own)), ['pass', 'fail', 'pass', 'fail'])
})

test('a shared dependency may fail readiness when it is said why, and the reason is shown', () => {
  const checks = withChecks({ ...shared, readiness: 'fail', because: 'a shard of its own' })
  assert.deepEqual(verdicts(checks), ['pass', 'fail', 'pass', 'fail'])
  assert.equal(readiness(checks, limits).checks['postgres:ping']![0]!.because, 'a shard of its own')
})

test('a check that is left out of readiness is in the report alone', () => {
  const checks = withChecks({ ...own, readiness: 'none' })
  assert.deepEqual(verdicts(checks), ['pass', 'pass', 'pass', 'fail'])
  assert.deepEqual(Object.keys(readiness(checks, limits).checks), ['eventLoop:silence'])
})

test('before its first result an own check keeps traffic away, a shared one does not', () => {
  const { atMs: _, observedValue: __, ...never } = view({ status: 'unknown' })
  assert.deepEqual(verdicts(withChecks(never)), ['pass', 'warn', 'pass', 'warn'])
  assert.deepEqual(verdicts(withChecks({ ...never, kind: 'own', readiness: 'fail' })), ['pass', 'fail', 'pass', 'fail'])
  assert.equal(readiness(withChecks(never), limits).output, 'postgres:ping: no result yet')
})

test('an old result says how old it is: a good one is in doubt, a bad one stays bad', () => {
  const old = { atMs: 10_000 }
  const good = readiness(withChecks(view(old)), limits)
  assert.deepEqual([good.status, good.output], ['warn', 'postgres:ping: last looked at 90.0 s ago'])
  assert.deepEqual(
    [good.checks['postgres:ping']![0]!.ageMs, good.checks['postgres:ping']![0]!.time],
    [90_000, '2026-05-17T11:58:30.000Z']
  )
  const bad = readiness(withChecks({ ...own, ...old }), limits)
  assert.deepEqual([bad.status, bad.output], ['fail', 'disk:free: ENOSPC; last looked at 90.0 s ago'])
})

test('starting, told not to be, or draining, a process is not ready, and alive', () => {
  const state = { started: true, ready: true, draining: false }
  const details = { notReady: 'the map is loading', checks: [] }
  assert.deepEqual(verdicts(seen({ state: { ...state, started: false } })), ['pass', 'fail', 'fail', 'warn'])
  assert.deepEqual(verdicts(seen({ state: { ...state, ready: false }, details })), ['pass', 'fail', 'pass', 'warn'])
  assert.equal(readiness(seen({ state: { ...state, ready: false }, details }), limits).output, 'the map is loading')
  const draining = seen({ state: { ...state, draining: true }, details: { notReady: 'draining: http', checks: [] } })
  assert.deepEqual(verdicts(draining), ['warn', 'fail', 'pass', 'warn'])
  assert.equal(liveness(draining, limits).output, 'draining: http')
})

test('a late event loop and a full heap are warnings, in the report alone', () => {
  const figures = { ...well.figures, delayP99Ms: 251, heapUsedBytes: 91 }
  const bad = seen({ figures })
  assert.deepEqual(verdicts(bad), ['pass', 'pass', 'pass', 'warn'])
  assert.equal(
    report(bad, limits).output,
    'eventLoop:delayP99: the event loop is late by 251 ms; heap:used: the heap is 91 % full'
  )
})

test('the release and the service are in every answer when they are known', () => {
  const named = { ...limits, release: '1.4.2', service: 'telemetry' }
  for (const judge of [liveness, readiness, startup, report]) {
    const { releaseId, serviceId } = judge(well, named)
    assert.deepEqual([releaseId, serviceId], ['1.4.2', 'telemetry'])
  }
})
