import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as settled } from 'node:timers/promises'
import { backoff, createPoller } from './poller.ts'
import { ApiProblem } from './request.ts'

/** A poller whose time stands still until the test fires its one timer. */
function bench(script: (() => Promise<string>)[]) {
  const log: string[] = []
  const signals: AbortSignal[] = []
  let due: { run: () => void; ms: number } | undefined
  const poller = createPoller<string>({
    ask: signal => {
      signals.push(signal)
      return (script.shift() ?? (() => new Promise<string>(() => {})))()
    },
    onAnswer: answer => log.push(answer),
    onFailure: (problem, retryInMs) => log.push(`${problem.code} ${retryInMs}`),
    intervalMs: 2000,
    timers: {
      setTimeout: (run, ms) => {
        due = { run, ms }
        return due
      },
      clearTimeout: timer => {
        if (timer === due) due = undefined
      }
    },
    random: () => 1
  })
  return {
    poller,
    log,
    signals,
    pending: () => due?.ms,
    async fire() {
      const now = due
      due = undefined
      now?.run()
      await settled()
    }
  }
}

const down = () => Promise.reject(new ApiProblem(0, 'unreachable', ''))

test('it asks at once, and again two seconds after each answer', async () => {
  const { poller, log, pending, fire } = bench([async () => 'one', async () => 'two'])
  poller.resume()
  await settled()
  assert.deepEqual([log, pending()], [['one'], 2000])
  await fire()
  assert.deepEqual(log, ['one', 'two'])
})

test('failures back off to fifteen seconds, and one answer ends it', async () => {
  const { poller, log, pending, fire } = bench([down, down, down, down, async () => 'back'])
  poller.resume()
  await settled()
  for (let n = 0; n < 4; n += 1) await fire()
  assert.deepEqual(log, ['unreachable 4000', 'unreachable 8000', 'unreachable 15000', 'unreachable 15000', 'back'])
  assert.equal(pending(), 2000)
})

test('the pause is never below half its ceiling, nor above it', () => {
  assert.equal(backoff(1, 2000, 0), 2000)
  assert.equal(backoff(1, 2000, 1), 4000)
  assert.equal(backoff(500, 2000, 1), 15_000)
})

test('a platform that asks for time gets it', async () => {
  const { poller, pending } = bench([() => Promise.reject(new ApiProblem(503, 'overloaded', '', 30_000))])
  poller.resume()
  await settled()
  assert.equal(pending(), 30_000)
})

test('pausing gives up the question on its way, and its late answer is not told', async () => {
  let answer: (text: string) => void = () => {}
  const slow = () => new Promise<string>(resolve => (answer = resolve))
  const { poller, log, signals, pending } = bench([slow])
  poller.resume()
  poller.pause()
  answer('late')
  await settled()
  assert.equal(signals[0]?.aborted, true)
  assert.deepEqual([log, pending()], [[], undefined])
})

test('resuming twice asks once', async () => {
  const { poller, signals } = bench([])
  poller.resume()
  poller.resume()
  assert.equal(signals.length, 1)
})
