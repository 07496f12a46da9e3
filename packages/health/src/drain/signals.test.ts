import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { manualClock } from '@plimsoll/resilience'
import { startHealth } from '../health.ts'
import { drainOnSignals, type SignalOptions } from './signals.ts'

async function setUp(t: TestContext, options: Partial<SignalOptions> = {}) {
  const clock = manualClock()
  const health = await startHealth({ port: 0, clock })
  health.started()
  const exits: number[] = []
  const exited = Promise.withResolvers<void>()
  const exit = (code: number) => {
    exits.push(code)
    exited.resolve()
  }
  const stop = drainOnSignals(health, { signals: ['SIGHUP'], close: () => {}, exit, ...options })
  t.after(async () => {
    stop()
    await health.close()
  })
  return { clock, health, exits, exited: exited.promise, stop, signal: () => process.emit('SIGHUP', 'SIGHUP') }
}

test('a signal drains and exits with 0 when nothing was cut off', async t => {
  const told: boolean[] = []
  const { clock, health, exits, exited, signal } = await setUp(t, { onDrained: ({ clean }) => told.push(clean) })
  signal()
  const ready = await fetch(`${health.url}/ready`)
  assert.deepEqual([ready.status, exits], [503, []])
  await clock.flow(5_000)
  await exited
  assert.deepEqual([exits, told], [[0], [true]])
})

test('it exits with 1 when something was, and exits all the same when the listener throws', async t => {
  const failing = { close: () => Promise.reject(new Error('no')) }
  const throwing = {
    onDrained: () => {
      throw new Error('no')
    }
  }
  for (const options of [failing, throwing]) {
    const { clock, exits, exited, signal } = await setUp(t, { readyDelayMs: 0, ...options })
    signal()
    await clock.flow(0)
    await exited
    assert.deepEqual(exits, [options === failing ? 1 : 0])
  }
})

test('a second signal exits at once', async t => {
  const { exits, signal } = await setUp(t)
  signal()
  signal()
  assert.deepEqual(exits, [128 + 1])
})

test('when it is stopped the signals are no longer taken', async t => {
  const { stop } = await setUp(t)
  assert.equal(process.listenerCount('SIGHUP'), 1)
  stop()
  assert.equal(process.listenerCount('SIGHUP'), 0)
})
