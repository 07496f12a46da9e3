import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '@plimsoll/resilience'
import { type CheckOptions, type CheckResult, check } from './check.ts'
import { CheckRunner } from './runner.ts'

/** A check whose runs are answered by hand. */
function setUp(over: Partial<CheckOptions> = {}) {
  const clock = manualClock()
  const runs: (PromiseWithResolvers<CheckResult | undefined> & { signal: AbortSignal })[] = []
  let changes = 0
  const runner = new CheckRunner(
    check({
      name: 'disk:free',
      kind: 'own',
      run: ({ signal }) => {
        const gate = Promise.withResolvers<CheckResult | undefined>()
        runs.push({ ...gate, signal })
        return gate.promise
      },
      ...over
    }),
    clock,
    () => clock.now(),
    () => changes++
  )
  runner.start()
  return { clock, runs, runner, changes: () => changes }
}

test('it looks at once, and again ten seconds after each end', async () => {
  const { clock, runs, runner, changes } = setUp()
  assert.deepEqual([runs.length, runner.view.status, runner.view.runningSinceMs], [1, 'unknown', 0])
  await clock.flow(40)
  runs[0]!.resolve(undefined)
  await clock.flow(0)
  const { status, observedValue, observedUnit, atMs, runningSinceMs } = runner.view
  assert.deepEqual([status, observedValue, observedUnit, atMs, runningSinceMs], ['pass', 40, 'ms', 40, undefined])
  assert.equal(changes(), 2)
  await clock.flow(9_999)
  assert.equal(runs.length, 1)
  await clock.flow(1)
  assert.equal(runs.length, 2)
})

test('what it observed is shown, and a warning passes', async () => {
  const { clock, runs, runner } = setUp()
  runs[0]!.resolve({ observedValue: Number.NaN, observedUnit: 'bytes', warn: 'one tenth is left' })
  await clock.flow(0)
  const { status, observedValue, observedUnit, output } = runner.view
  assert.deepEqual([status, observedValue, observedUnit, output], ['warn', 'NaN', 'bytes', 'one tenth is left'])
})

test('a run that hangs fails in time, its signal aborts, and no other begins before it has ended', async () => {
  const { clock, runs, runner } = setUp()
  await clock.flow(999)
  assert.equal(runner.view.status, 'unknown')
  await clock.flow(1)
  assert.deepEqual(
    [runner.view.status, runner.view.output, runner.view.atMs],
    ['fail', 'no answer within 1000 ms', 1_000]
  )
  assert.equal(runs[0]!.signal.reason.code, 'HEALTH_CHECK_TIMEOUT')
  await clock.flow(3_600_000)
  assert.deepEqual([runs.length, runner.view.runningSinceMs, runner.view.failures], [1, 0, 1])

  runs[0]!.resolve({ warn: 'too late to count' })
  await clock.flow(10_000)
  assert.deepEqual([runs.length, runner.view.status, runner.view.output], [2, 'fail', 'no answer within 1000 ms'])
})

test('a check that throws at once, or something odd, fails like any other', async () => {
  for (const [thrown, output] of [
    [new Error('EIO:\nread failed'), 'EIO: read failed'],
    [undefined, 'undefined'],
    [Object.create(null), 'something that cannot be shown']
  ]) {
    const { clock, runner } = setUp({
      run: () => {
        throw thrown
      }
    })
    await clock.flow(0)
    assert.deepEqual([runner.view.status, runner.view.output], ['fail', output])
  }
})

test('a passing check that fails less often than it may is in doubt, and then it fails', async () => {
  let ok = true
  const { clock, runner } = setUp({
    run: () => {
      if (!ok) throw new Error('gone')
    }
  })
  await clock.flow(0)
  ok = false
  const seen: unknown[] = []
  for (let n = 0; n < 3; n++) {
    await clock.flow(10_000)
    seen.push([runner.view.status, runner.view.failures])
  }
  assert.deepEqual(seen, [
    ['warn', 1],
    ['warn', 2],
    ['fail', 3]
  ])
  ok = true
  await clock.flow(10_000)
  assert.deepEqual([runner.view.status, runner.view.failures], ['fail', 0])
  await clock.flow(10_000)
  assert.equal(runner.view.status, 'pass')
})

test('stopped, it aborts what runs, hears nothing of it, and leaves no timer', async () => {
  const { clock, runs, runner, changes } = setUp()
  runner.stop()
  assert.equal(runs[0]!.signal.aborted, true)
  const before = changes()
  runs[0]!.reject(runs[0]!.signal.reason)
  await clock.flow(60_000)
  assert.deepEqual([runner.view.status, changes(), clock.pending, runs.length], ['unknown', before, 0, 1])
})
