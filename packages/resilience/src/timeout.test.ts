import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TimeoutError } from './errors.ts'
import { manualClock } from './manual-clock.ts'
import { policy } from './policy.ts'
import { timeout } from './timeout.ts'

const timedOut = { name: 'TimeoutError', code: 'RESILIENCE_TIMEOUT', policy: 'metadata', timeoutMs: 100 }

describe('a timeout', () => {
  it('answers in time for a function that ignores its signal, and drops and counts what it says later', async () => {
    const clock = manualClock()
    const p = policy('metadata', [timeout(100)], { clock })
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    const calls = [p.run(() => first.promise), p.run(() => second.promise)]
    const answers = Promise.all(calls.map(call => assert.rejects(call, timedOut)))
    await clock.flow(100)
    await answers
    first.resolve('late')
    // An unhandled rejection here would end the process, and the test with it.
    second.reject(new Error('late too'))
    await clock.flow(0)
    const { timeouts, late, failed, inFlight } = p.snapshot()
    assert.deepEqual({ timeouts, late, failed, inFlight }, { timeouts: 2, late: 2, failed: 2, inFlight: 0 })
  })

  it('leaves alone what answers in time', async () => {
    const clock = manualClock()
    const p = policy('metadata', [timeout(100)], { clock })
    const work = Promise.withResolvers<number>()
    const call = p.run(() => work.promise)
    await clock.flow(99)
    work.resolve(7)
    assert.equal(await call, 7)
    await clock.flow(1_000)
    assert.equal(p.snapshot().timeouts, 0)
    assert.equal(clock.pending, 0)
  })

  it('aborts the signal of its own call only, and the reason says which policy fired (opossum #780)', async () => {
    const clock = manualClock()
    const p = policy('metadata', [timeout(100)], { clock })
    const signals: AbortSignal[] = []
    const hang = () =>
      p.run(({ signal }) => {
        signals.push(signal)
        return new Promise<never>(() => {})
      })
    const early = assert.rejects(hang(), timedOut)
    await clock.flow(50)
    hang().catch(() => {})
    await clock.flow(50)
    await early
    assert.ok(signals[0]!.reason instanceof TimeoutError)
    assert.equal(signals[0]!.reason.policy, 'metadata')
    assert.equal(signals[1]!.aborted, false)
  })

  it('makes the signal when it is first asked for, even if that is after the end', async () => {
    const clock = manualClock()
    const p = policy('metadata', [timeout(100)], { clock })
    let signalLater: () => AbortSignal = () => assert.fail('not called')
    const call = p.run(context => {
      signalLater = () => context.signal
      return new Promise<never>(() => {})
    })
    const answer = assert.rejects(call, timedOut)
    await clock.flow(100)
    await answer
    assert.equal(signalLater().aborted, true)
    assert.equal(signalLater(), signalLater())
  })

  it('can stand inside another: the inner one limits an attempt, the outer one the whole', async () => {
    const clock = manualClock()
    const p = policy('metadata', [timeout(100), timeout(500)], { clock })
    const answer = assert.rejects(
      p.run(() => new Promise(() => {})),
      timedOut
    )
    await clock.flow(100)
    await answer
    await clock.flow(1_000)
    assert.equal(p.snapshot().timeouts, 1)
  })

  it("tells a caller's abort from its own: the caller's reason comes back, and no time-out is counted", async () => {
    const clock = manualClock()
    const p = policy('metadata', [timeout(100)], { clock })
    const caller = new AbortController()
    let reason: unknown
    const call = p.run(
      ({ signal }) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
        })
        return new Promise<never>(() => {})
      },
      { signal: caller.signal }
    )
    caller.abort('left')
    await assert.rejects(call, (error: unknown) => error === 'left')
    assert.equal(reason, 'left')
    const { timeouts, aborted, failed } = p.snapshot()
    assert.deepEqual({ timeouts, aborted, failed }, { timeouts: 0, aborted: 1, failed: 0 })
  })

  it('in shadow mode tells, and ends nothing', async () => {
    const clock = manualClock()
    const p = policy('metadata', [timeout(100, { shadow: true })], { clock })
    const heard: unknown[] = []
    p.on(({ type, policy, at, ...rest }) => heard.push(type, rest))
    const work = Promise.withResolvers<number>()
    const call = p.run(() => work.promise)
    await clock.flow(150)
    work.resolve(7)
    assert.equal(await call, 7)
    assert.deepEqual(heard, ['timeout.would-fire', { timeoutMs: 100 }])
    const { timeouts, timeoutsWouldFire } = p.snapshot()
    assert.deepEqual([timeouts, timeoutsWouldFire], [0, 1])
  })

  it('refuses a time that is none', () => {
    for (const ms of [0, -1, Number.NaN, Infinity]) assert.throws(() => timeout(ms), RangeError)
  })
})
