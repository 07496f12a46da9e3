import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breaker } from '../breaker/breaker.ts'
import { seededRandom } from '../concurrency-limit/simulated-server.ts'
import { BulkheadFullError } from '../errors.ts'
import { manualClock } from '../manual-clock.ts'
import { policy } from '../policy.ts'
import { timeout } from '../timeout.ts'
import { type RetryOptions, retry } from './retry.ts'

const setUp = (options: RetryOptions = {}, random: () => number = () => 0.5) => {
  const clock = manualClock()
  const p = policy('p', [retry({ idempotent: true, baseMs: 100, ...options })], { clock, random })
  const attempts: { attempt: number; at: number }[] = []
  const failing =
    (error: unknown = new Error('down')) =>
    ({ attempt }: { attempt: number }) => {
      attempts.push({ attempt, at: clock.now() })
      return Promise.reject(error)
    }
  return { clock, p, attempts, failing }
}

describe('a retry', () => {
  it('calls as often as `attempts` says, the first time included, with a growing wait (cockatiel counts retries)', async () => {
    const { clock, p, attempts, failing } = setUp({ attempts: 4 })
    const answer = assert.rejects(p.run(failing()), /down/)
    await clock.flow(10_000)
    await answer
    assert.deepEqual(attempts, [
      { attempt: 1, at: 0 },
      { attempt: 2, at: 50 },
      { attempt: 3, at: 150 },
      { attempt: 4, at: 350 }
    ])
  })

  it('answers with the first success', async () => {
    const { clock, p } = setUp()
    const answer = p.run(({ attempt }) => (attempt < 3 ? Promise.reject(new Error('down')) : `try ${attempt}`))
    await clock.flow(1_000)
    assert.equal(await answer, 'try 3')
  })

  it('never repeats a call that nobody said was idempotent (istio #50506)', async () => {
    const { clock, p, attempts, failing } = setUp({ idempotent: false })
    await assert.rejects(p.run(failing()), /down/)
    await clock.flow(1_000)
    assert.equal(attempts.length, 1)
    const said = assert.rejects(p.run(failing(), { idempotent: true }))
    await clock.flow(1_000)
    await said
    assert.equal(attempts.length, 4)
  })

  it('repeats nothing when the one call is said not to be idempotent', async () => {
    const { clock, p, attempts, failing } = setUp({ idempotent: true })
    await assert.rejects(p.run(failing(), { idempotent: false }))
    await clock.flow(1_000)
    assert.equal(attempts.length, 1)
  })

  it('rejects at once when its caller leaves in a back-off, and never calls again (cockatiel waits, then calls)', async () => {
    const { clock, p, attempts, failing } = setUp({ baseMs: 60_000, maxMs: 60_000 })
    const caller = new AbortController()
    const call = p.run(failing(), { signal: caller.signal })
    await clock.flow(10)
    caller.abort(new Error('left'))
    await assert.rejects(call, /left/)
    assert.equal(clock.pending, 0)
    await clock.flow(120_000)
    assert.equal(attempts.length, 1)
    assert.equal(p.snapshot().aborted, 1)
  })

  it('is ended by a timeout around it, even in a back-off, and takes it for no reason to go on', async () => {
    const clock = manualClock()
    const parts = [timeout(100), retry({ idempotent: true, baseMs: 10_000, maxMs: 10_000 }), timeout(30)] as const
    const p = policy('p', parts, { clock, random: () => 0.5 })
    const answer = assert.rejects(
      p.run(() => new Promise(() => {})),
      { timeoutMs: 100 }
    )
    await clock.flow(100)
    await answer
    await clock.flow(60_000)
    assert.equal(p.snapshot().invocations, 1)
  })

  it('tries again what a timeout inside of it cut short', async () => {
    const clock = manualClock()
    const p = policy('p', [retry({ idempotent: true }), timeout(30)], { clock })
    const answer = p.run(({ attempt }) => (attempt === 1 ? new Promise<never>(() => {}) : 'second'))
    await clock.flow(1_000)
    assert.equal(await answer, 'second')
  })

  it('obeys Retry-After, with jitter on top, and fails at once when that is too far off', async () => {
    const { clock, p, attempts, failing } = setUp({ attempts: 2, maxRetryAfterMs: 5_000 })
    const busy = Object.assign(new Error('busy'), { status: 503, headers: new Headers({ 'retry-after': '2' }) })
    const answer = assert.rejects(p.run(failing(busy)), /busy/)
    await clock.flow(10_000)
    await answer
    assert.deepEqual(attempts[1], { attempt: 2, at: 2_550 })

    const closed = Object.assign(new Error('closed'), { retryAfterMs: 60_000 })
    await assert.rejects(p.run(failing(closed)), /closed/)
    assert.equal(attempts.length, 3)
  })

  it('spreads a crowd that was told the same Retry-After over the half of it that follows, and brings nobody too soon', async () => {
    const clock = manualClock()
    const random = seededRandom(7)
    const options = { idempotent: true, attempts: 2, budget: { minPerSecond: 1_000 } }
    const busy = Object.assign(new Error('busy'), { retryAfterMs: 2_000 })
    const back: number[] = []
    for (let i = 0; i < 1_000; i++) {
      const client = policy(`client ${i}`, [retry(options)], { clock, random })
      client
        .run(({ attempt }) => {
          if (attempt === 2) back.push(clock.now())
          return Promise.reject(busy)
        })
        .catch(() => {})
    }
    await clock.flow(10_000)
    assert.equal(back.length, 1_000)
    assert.ok(Math.min(...back) >= 2_000, 'not before they were asked to')
    assert.ok(Math.max(...back) <= 3_000 + 50, 'and not later than half as long again, and the back-off')
    const crowds = Map.groupBy(back, at => Math.floor(at / 100))
    assert.ok(crowds.size >= 10)
    for (const [, { length }] of crowds) assert.ok(length < 150, `${length} of 1,000 within 100 ms`)
  })

  it('grows no wait when it is told not to, and none that was not asked for', async () => {
    const exact = setUp({ attempts: 2, baseMs: 0, retryAfterJitter: 0 })
    const answer = assert.rejects(exact.p.run(exact.failing(Object.assign(new Error(), { retryAfterMs: 2_000 }))))
    await exact.clock.flow(5_000)
    await answer
    assert.equal(exact.attempts[1]!.at, 2_000)
    const once = setUp({ attempts: 2, baseMs: 0 })
    const nothing = assert.rejects(once.p.run(once.failing(Object.assign(new Error(), { retryAfterMs: 0 }))))
    await once.clock.flow(5_000)
    await nothing
    assert.equal(once.attempts[1]!.at, 0)
  })

  it('asks `when`, and leaves alone what its own parts turned away', async () => {
    const { p, attempts, failing } = setUp({ when: error => !(error instanceof TypeError) })
    await assert.rejects(p.run(failing(new TypeError('bug'))))
    assert.equal(attempts.length, 1)

    const plain = setUp()
    await assert.rejects(plain.p.run(plain.failing(new BulkheadFullError('inner', 'full', 'no room'))))
    await assert.rejects(plain.p.run(plain.failing(Object.assign(new Error('no'), { statusCode: 404 }))))
    assert.equal(plain.attempts.length, 2)

    const clock = manualClock()
    const broken = policy('b', [retry({ idempotent: true }), breaker()], { clock })
    broken.breaker!.forceOpen()
    await assert.rejects(
      broken.run(() => 1),
      { code: 'RESILIENCE_BREAKER_OPEN' }
    )
    assert.equal(broken.snapshot().breakerRejections, 1)
  })

  it('fails with what `when` throws, and does not hang', async () => {
    const { p, failing } = setUp({
      when: () => {
        throw new Error('bad rule')
      }
    })
    await assert.rejects(p.run(failing()), /bad rule/)
  })

  it('hears an abort that comes from inside its own callback', async () => {
    const caller = new AbortController()
    const { clock, p, attempts, failing } = setUp({
      when: () => {
        caller.abort('left')
        return true
      }
    })
    await assert.rejects(p.run(failing(), { signal: caller.signal }))
    await clock.flow(10_000)
    assert.equal(attempts.length, 1)
    assert.equal(p.snapshot().inFlight, 0)
  })

  it('says why it stopped', async () => {
    const { clock, p, failing } = setUp({ attempts: 2 })
    const said: unknown[] = []
    p.on(event => said.push(event.type === 'retry.stopped' ? event.reason : event.type))
    p.run(failing()).catch(() => {})
    await clock.flow(1_000)
    assert.deepEqual(said, ['retry', 'attempts'])
  })

  it('keeps a storm over three layers of three tries to 1.2 times the load, not 27 times', async () => {
    const clock = manualClock()
    const options = { idempotent: true, baseMs: 10, budget: { minPerSecond: 0 } }
    const layers = ['edge', 'middle', 'core'].map(name => policy(name, [retry(options)], { clock }))
    let load = 0
    const down = () => {
      load++
      return Promise.reject(new Error('down'))
    }
    const calls = 2_000
    for (let i = 0; i < calls; i++) {
      layers[0]!.run(() => layers[1]!.run(() => layers[2]!.run(down))).catch(() => {})
      if (i % 20 === 0) await clock.flow(20)
    }
    await clock.flow(10_000)
    assert.ok(load > calls)
    assert.ok(load <= calls * 1.2, `${load} for ${calls}`)
  })

  it('carries the last error as the cause once the budget is spent', async () => {
    const { clock, p, failing } = setUp({ budget: { ratio: 0, minPerSecond: 1 } })
    const answer = assert.rejects(p.run(failing()), (error: Error & { code: string; attempts: number }) => {
      assert.equal(error.code, 'RESILIENCE_RETRY_BUDGET_EXHAUSTED')
      assert.equal(error.attempts, 2)
      assert.match(String(error.cause), /down/)
      return true
    })
    await clock.flow(1_000)
    await answer
    assert.equal(p.snapshot().retriesDenied, 1)
  })

  it('refuses settings that make no sense', () => {
    const jitters = [-0.1, 1.1, Number.NaN].map(retryAfterJitter => ({ retryAfterJitter }))
    for (const bad of [{ attempts: 0 }, { attempts: 1.5 }, { baseMs: -1 }, { maxMs: Number.NaN }, ...jitters]) {
      assert.throws(() => retry(bad), RangeError)
    }
  })
})
