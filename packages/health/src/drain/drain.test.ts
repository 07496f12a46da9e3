import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ManualClock, manualClock } from '@plimsoll/resilience'
import { type DrainOptions, drain, drainSettings } from './drain.ts'

function begin(options: DrainOptions, clock: ManualClock = manualClock()) {
  const phases: [number, string][] = []
  const result = drain(drainSettings(options), clock, words => phases.push([clock.now(), words]))
  return { clock, phases, result }
}

const never = () => new Promise<never>(() => {})

test('first it is not ready, then it waits, then it closes', async () => {
  const closed: number[] = []
  const { clock, phases, result } = begin({ close: () => void closed.push(clock.now()) })
  assert.deepEqual(phases, [[0, 'draining: balancers are given 5000 ms to notice']])
  await clock.flow(4_999)
  assert.deepEqual(closed, [])
  await clock.flow(1)
  assert.deepEqual(closed, [5_000])
  assert.deepEqual(await result, {
    clean: true,
    tookMs: 5_000,
    steps: [{ name: 'close', outcome: 'done', tookMs: 0 }],
    cutOff: []
  })
  assert.deepEqual(phases.slice(1), [
    [5_000, 'draining: close'],
    [5_000, 'drained']
  ])
  assert.equal(clock.pending, 0)
})

test('named steps run one after another, in their order', async () => {
  const order: string[] = []
  const clock = manualClock()
  const step = (name: string, ms: number) => () =>
    new Promise<void>(resolve => {
      order.push(`${name} begins`)
      clock.setTimer(() => {
        order.push(`${name} ends`)
        resolve()
      }, ms)
    })
  const { result } = begin({ readyDelayMs: 0, close: { http: step('http', 300), pool: step('pool', 200) } }, clock)
  await clock.flow(500)
  assert.deepEqual(order, ['http begins', 'http ends', 'pool begins', 'pool ends'])
  assert.deepEqual(
    (await result).steps.map(({ name, tookMs }) => [name, tookMs]),
    [
      ['http', 300],
      ['pool', 200]
    ]
  )
})

test('a step that never ends is cut off in time, and the result says so', async () => {
  const { clock, result } = begin({ readyDelayMs: 1_000, timeoutMs: 10_000, close: { http: never, pool: () => {} } })
  await clock.flow(10_000)
  const { clean, tookMs, cutOff } = await result
  assert.deepEqual([clean, tookMs], [false, 10_000])
  assert.deepEqual(cutOff, ['http: cut off after 9000 ms', 'pool: not begun, no time was left'])
  assert.equal(clock.pending, 0)
})

test('a step with a limit of its own leaves time for those after it', async () => {
  const closed: string[] = []
  const { clock, result } = begin({
    readyDelayMs: 0,
    timeoutMs: 10_000,
    close: { http: { run: never, timeoutMs: 6_000 }, pool: () => void closed.push('pool') }
  })
  await clock.flow(6_000)
  assert.deepEqual([(await result).cutOff, closed], [['http: cut off after 6000 ms'], ['pool']])
})

test('out of time, a step has a moment to say what it cut off', async () => {
  const { clock, result } = begin({
    readyDelayMs: 0,
    timeoutMs: 10_000,
    close: ({ signal, leftMs }) =>
      new Promise(resolve => {
        assert.equal(leftMs, 9_750)
        signal.addEventListener('abort', () => {
          assert.equal(signal.reason.code, 'HEALTH_DRAIN_TIMEOUT')
          resolve({ cutOff: '2 exports' })
        })
      })
  })
  await clock.flow(9_749)
  await clock.flow(1)
  assert.deepEqual((await result).cutOff, ['close: cut off after 9750 ms (2 exports)'])
})

test('a step that fails does not keep the others from closing', async () => {
  const { clock, result } = begin({
    readyDelayMs: 0,
    close: {
      http: () => {
        throw new Error('not listening')
      },
      queue: async () => ({ cutOff: '3 messages' }),
      pool: () => {}
    }
  })
  await clock.flow(0)
  const { steps, cutOff } = await result
  assert.deepEqual(
    steps.map(({ outcome }) => outcome),
    ['failed', 'cut off', 'done']
  )
  assert.deepEqual(cutOff, ['http: failed after 0 ms (not listening)', 'queue: cut off after 0 ms (3 messages)'])
})

test('settings that leave no time to close are refused', () => {
  const close = () => {}
  assert.throws(() => drainSettings({ readyDelayMs: 5_000, timeoutMs: 5_000, close }), /leaves no time to close/)
  assert.throws(() => drainSettings({ readyDelayMs: -1, close }), RangeError)
  assert.throws(() => drainSettings({ close: { a: { run: close, timeoutMs: 0 } } }), /^RangeError: a: timeoutMs/)
})
