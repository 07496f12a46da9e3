import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breaker } from '../breaker/breaker.ts'
import { bulkhead } from '../bulkhead/bulkhead.ts'
import { cache } from '../cache/cache.ts'
import type { Context } from '../call.ts'
import { deadline } from '../deadline.ts'
import { BulkheadFullError, HedgeLostError } from '../errors.ts'
import type { PolicyEvent } from '../events.ts'
import { fallback } from '../fallback.ts'
import { manualClock } from '../manual-clock.ts'
import type { Part } from '../part.ts'
import { policy } from '../policy.ts'
import { retry } from '../retry/retry.ts'
import { timeout } from '../timeout.ts'
import { type HedgeOptions, hedge } from './hedge.ts'

/** Each time the function is called it waits to be answered by the test. */
const setUp = (parts: readonly Part[]) => {
  const clock = manualClock()
  const p = policy('p', parts, { clock, random: () => 0.5 })
  const asked: (PromiseWithResolvers<string> & { context: Context; at: number })[] = []
  const work = (context: Context) => {
    const gate = { ...Promise.withResolvers<string>(), context, at: clock.now() }
    asked.push(gate)
    // The signal is made when it is first read, and these tests want to see its reason.
    void context.signal
    return gate.promise
  }
  const slots = () => p.snapshot().bulkhead!.running
  return { clock, p, asked, work, slots }
}
const hedging = (options: HedgeOptions = {}) => hedge({ idempotent: true, afterMs: 50, ...options })

describe('a hedge', () => {
  it('calls a second time when the first is slow, and answers with what comes first', async () => {
    const { clock, p, asked, work } = setUp([hedging()])
    const answer = p.run(work)
    await clock.flow(49)
    assert.equal(asked.length, 1)
    await clock.flow(1)
    assert.equal(asked.length, 2)
    asked[1]!.resolve('second')
    assert.equal(await answer, 'second')
    const { hedges, hedgesWon, invocations, calls, ok } = p.snapshot()
    assert.deepEqual([hedges, hedgesWon, invocations, calls, ok], [1, 1, 2, 1, 1])
  })

  it('leaves a call alone that answers in time', async () => {
    const { clock, p, asked, work } = setUp([hedging()])
    const answer = p.run(work)
    await clock.flow(49)
    asked[0]!.resolve('first')
    assert.equal(await answer, 'first')
    await clock.flow(1_000)
    assert.deepEqual([asked.length, clock.pending], [1, 0])
  })

  it('aborts the loser with a reason that names the policy, and counts what it says as late', async () => {
    for (const winner of [0, 1]) {
      const { clock, p, asked, work } = setUp([hedging()])
      const answer = p.run(work)
      await clock.flow(50)
      asked[winner]!.resolve('won')
      assert.equal(await answer, 'won')
      const { signal } = asked[1 - winner]!.context
      assert.ok(signal.reason instanceof HedgeLostError)
      assert.equal(signal.reason.policy, 'p')
      assert.equal(asked[winner]!.context.signal.aborted, false)
      asked[1 - winner]!.reject(signal.reason)
      await clock.flow(0)
      const { late, hedgesWon } = p.snapshot()
      assert.deepEqual([late, hedgesWon], [1, winner])
    }
  })

  it('calls a second time only what is said to be idempotent', async () => {
    const { clock, p, asked, work } = setUp([hedging({ idempotent: false })])
    p.run(work).catch(() => {})
    await clock.flow(1_000)
    assert.equal(asked.length, 1)
    p.run(work, { idempotent: true }).catch(() => {})
    await clock.flow(1_000)
    assert.equal(asked.length, 3)
  })

  it('does not answer with an error while the other may still succeed', async () => {
    for (const fails of [0, 1]) {
      const { clock, p, asked, work } = setUp([hedging()])
      const answer = p.run(work)
      await clock.flow(50)
      asked[fails]!.reject(new Error('down'))
      await clock.flow(10)
      assert.equal(p.snapshot().inFlight, 1)
      asked[1 - fails]!.resolve('up')
      assert.equal(await answer, 'up')
    }
  })

  it('fails with the error of the first call when both fail, whichever was sooner', async () => {
    for (const order of [
      [0, 1],
      [1, 0]
    ]) {
      const { clock, p, asked, work } = setUp([hedging()])
      const answer = assert.rejects(p.run(work), /call 0/)
      await clock.flow(50)
      for (const which of order) asked[which]!.reject(new Error(`call ${which}`))
      await answer
    }
  })

  it('prefers what the dependency said to what a part inside refused', async () => {
    const { clock, p, asked, work } = setUp([hedging()])
    const answer = assert.rejects(p.run(work), /down/)
    await clock.flow(50)
    asked[0]!.reject(new BulkheadFullError('inner', 'full', 'no room'))
    asked[1]!.reject(new Error('down'))
    await answer
  })

  it('fails at once when the first fails before it is slow: to repeat is for a retry', async () => {
    const { clock, p, asked, work } = setUp([hedging()])
    const answer = assert.rejects(p.run(work), /down/)
    await clock.flow(10)
    asked[0]!.reject(new Error('down'))
    await answer
    await clock.flow(1_000)
    assert.deepEqual([asked.length, clock.pending], [1, 0])
  })

  it('tells both that they are the same attempt, and of the same deadline', async () => {
    const { clock, p, asked, work } = setUp([deadline(300), hedging()])
    p.run(work).catch(() => {})
    await clock.flow(50)
    assert.deepEqual(
      asked.map(({ context }) => [context.attempt, context.deadline]),
      [
        [1, 300],
        [1, 300]
      ]
    )
  })

  it('says what it does', async () => {
    const { clock, p, asked, work } = setUp([hedging({ budget: { ratio: 0, minPerSecond: 1 } })])
    const heard: PolicyEvent[] = []
    p.on((event, whose) => {
      assert.equal(whose, work)
      heard.push(event)
    })
    const answer = p.run(work)
    p.run(work).catch(() => {})
    await clock.flow(50)
    await clock.flow(5)
    asked[2]!.resolve('won')
    await answer
    const of = { policy: 'p', at: heard[0]!.at }
    assert.deepEqual(heard, [
      { ...of, type: 'hedge', afterMs: 50 },
      { ...of, type: 'hedge.denied' },
      { ...of, type: 'hedge.won', afterMs: 5, at: of.at + 5 }
    ])
  })

  it('begins nothing for a call that someone who heard of it has given up', async () => {
    const { clock, p, asked, work } = setUp([hedging()])
    const caller = new AbortController()
    p.on(() => caller.abort('left'))
    const answer = assert.rejects(p.run(work, { signal: caller.signal }))
    await clock.flow(50)
    await answer
    assert.equal(asked.length, 1)
  })

  it('refuses settings that make no sense', () => {
    for (const bad of [{ afterMs: 0 }, { quantile: 0 }, { quantile: 1.1 }, { minimumCalls: 0 }, { windowMs: -1 }]) {
      assert.throws(() => hedge(bad), RangeError, JSON.stringify(bad))
    }
  })
})

describe('when a hedge is due', () => {
  /** One call that takes so long, alone. */
  const call = async ({ clock, p }: ReturnType<typeof setUp>, ms: number) => {
    const answer = p.run(({ signal }) => {
      const gate = Promise.withResolvers<void>()
      clock.setTimer(gate.resolve, ms)
      signal.addEventListener('abort', () => gate.reject(signal.reason))
      return gate.promise
    })
    await clock.flow(ms)
    await answer
  }

  it('is known by the p95 of the calls before, once there are enough; until then by `afterMs`, or never', async () => {
    const idempotent = true
    for (const [options, atFirst] of [
      [{ idempotent, minimumCalls: 20 }, Infinity],
      [{ idempotent, minimumCalls: 20, afterMs: 70, quantile: 0.95 }, 70]
    ] as const) {
      const it = setUp([hedge(options)])
      assert.equal(it.p.snapshot().hedge!.afterMs, atFirst)
      for (let i = 0; i < 19; i++) await call(it, 10)
      assert.equal(it.p.snapshot().hedge!.afterMs, atFirst)
      await call(it, 40)
      const { afterMs, measured } = it.p.snapshot().hedge!
      assert.equal(measured, 20)
      assert.ok(afterMs >= 10 && afterMs <= 11, `${afterMs}`)
      assert.equal(it.p.snapshot().hedges, 0)
      it.p.run(it.work).catch(() => {})
      await it.clock.flow(11)
      assert.equal(it.asked.length, 2)
    }
  })

  it('comes later when everything has turned slow: what lost counts as long as it took', async () => {
    const it = setUp([hedge({ idempotent: true, windowMs: 6_000, budget: { ratio: 10 } })])
    for (let i = 0; i < 30; i++) await call(it, 10)
    // Each is hedged at about 10 ms, and its second call answers at once: the first would have taken long.
    for (let i = 0; i < 60; i++) {
      const answer = it.p.run(it.work)
      await it.clock.flow(200)
      it.asked.at(-1)!.resolve('x')
      await answer
    }
    const { afterMs } = it.p.snapshot().hedge!
    assert.ok(afterMs >= 200, `${afterMs}`)
  })

  it('counts from when the function was called, not from when it began to wait for a slot', async () => {
    const it = setUp([hedging(), bulkhead({ concurrency: 2, queue: 5 })])
    const { clock, p, asked, work } = it
    const first = p.run(work)
    const second = p.run(work)
    const waiting = p.run(work)
    await clock.flow(49)
    asked[0]!.resolve('a')
    await first
    // The second call's hedge waits for the slot that the third has got; the third is slow 50 ms from now.
    await clock.flow(1)
    assert.equal(p.snapshot().hedges, 1)
    await clock.flow(48)
    assert.equal(p.snapshot().hedges, 1)
    await clock.flow(1)
    assert.equal(p.snapshot().hedges, 2)
    asked[1]!.resolve('b')
    asked[2]!.resolve('c')
    assert.deepEqual(await Promise.all([second, waiting]), ['b', 'c'])
    for (const gate of asked) gate.resolve('late')
    await clock.flow(0)
    assert.deepEqual([it.slots(), p.snapshot().bulkhead!.queued], [0, 0])
  })

  it('is never, when the deadline would leave no time for it', async () => {
    const { clock, p, asked, work } = setUp([deadline(Infinity, { leastMs: 20 }), hedging()])
    const hasty = assert.rejects(p.run(work, { deadline: 69 }), { name: 'DeadlineExceededError' })
    await clock.flow(69)
    await hasty
    assert.deepEqual([asked.length, p.snapshot().hedges], [1, 0])
    p.run(work, { deadline: clock.now() + 70 }).catch(() => {})
    await clock.flow(70)
    assert.equal(asked.length, 3)
  })
})

describe('the budget of a hedge', () => {
  it('is a share of the calls: with everything slow no more than a fifth is called twice', async () => {
    const { clock, p, asked, work } = setUp([hedging({ budget: { minPerSecond: 0 } })])
    for (let i = 0; i < 100; i++) p.run(work).catch(() => {})
    await clock.flow(60)
    const { hedges, hedgesDenied } = p.snapshot()
    assert.deepEqual([asked.length, hedges, hedgesDenied], [120, 20, 80])
  })

  it('is one with the retries of the same policy, into which each call pays once', async () => {
    const { clock, p, work } = setUp([
      retry({ idempotent: true, budget: { minPerSecond: 0 } }),
      hedging({ budget: { minPerSecond: 0 } })
    ])
    for (let i = 0; i < 100; i++) p.run(work).catch(() => {})
    await clock.flow(60)
    assert.deepEqual(p.snapshot().retry, { calls: 100, retries: 20 })
    assert.deepEqual(p.snapshot().hedge!.budget, { calls: 100, retries: 20 })
    await assert.rejects(
      p.run(() => Promise.reject(new Error('down'))),
      { code: 'RESILIENCE_RETRY_BUDGET_EXHAUSTED' }
    )
  })

  it('is that of another policy by name, and takes a repeated call for one', async () => {
    const clock = manualClock()
    const budget = { name: 'db', minPerSecond: 100 }
    const a = policy('a', [hedging({ budget })], { clock })
    const b = policy('b', [retry({ idempotent: true, attempts: 2 }), hedging({ budget })], { clock, random: () => 0.5 })
    await a.run(() => 1)
    const answer = b.run(({ attempt }) => (attempt === 1 ? Promise.reject(new Error('down')) : 2))
    await clock.flow(1_000)
    await answer
    assert.deepEqual(a.snapshot().hedge!.budget, { calls: 2, retries: 0 })
    assert.deepEqual(b.snapshot().retry, { calls: 1, retries: 1 })
  })

  it('must have the settings of the others who use it', () => {
    const clock = manualClock()
    assert.throws(() => policy('p', [retry(), hedge({ budget: { ratio: 0.5 } })], { clock }), /same settings/)
  })
})

describe('a hedge among other parts', () => {
  it('gives each of its calls a slot of the bulkhead inside it, held until the function has ended', async () => {
    const { clock, p, asked, work, slots } = setUp([hedging(), bulkhead({ concurrency: 2 })])
    const answer = p.run(work)
    await clock.flow(50)
    assert.equal(slots(), 2)
    asked[1]!.resolve('won')
    await answer
    await clock.flow(0)
    // The loser was told to stop, but runs on.
    assert.equal(slots(), 1)
    asked[0]!.resolve('late')
    await clock.flow(0)
    assert.equal(slots(), 0)
  })

  it('keeps the one slot of a bulkhead around it until both functions have ended', async () => {
    const { clock, p, asked, work, slots } = setUp([bulkhead({ concurrency: 1 }), hedging()])
    const answer = p.run(work)
    await clock.flow(50)
    assert.equal(slots(), 1)
    asked[0]!.resolve('won')
    await answer
    await clock.flow(0)
    assert.equal(slots(), 1)
    asked[1]!.reject(new Error('late'))
    await clock.flow(0)
    assert.equal(slots(), 0)
  })

  it('goes on waiting for the first when the bulkhead has no room for a second', async () => {
    const { clock, p, asked, work, slots } = setUp([hedging(), bulkhead({ concurrency: 1 })])
    const answer = p.run(work)
    await clock.flow(60)
    assert.equal(p.snapshot().bulkheadRejections, 1)
    asked[0]!.resolve('first')
    assert.equal(await answer, 'first')
    await clock.flow(0)
    assert.equal(slots(), 0)
  })

  it('takes its second call out of the queue when the first has answered', async () => {
    const { clock, p, asked, work } = setUp([hedging(), bulkhead({ concurrency: 1, queue: 3 })])
    const answer = p.run(work)
    await clock.flow(50)
    assert.equal(p.snapshot().bulkhead!.queued, 1)
    asked[0]!.resolve('first')
    await answer
    await clock.flow(0)
    const { running, queued } = p.snapshot().bulkhead!
    assert.deepEqual([asked.length, running, queued], [1, 0, 0])
  })

  it('is ended by a timeout around it, both calls at once', async () => {
    const { clock, p, asked, work } = setUp([timeout(100), hedging()])
    const answer = assert.rejects(p.run(work), { code: 'RESILIENCE_TIMEOUT' })
    await clock.flow(100)
    await answer
    for (const { context } of asked) assert.equal(context.signal.reason.code, 'RESILIENCE_TIMEOUT')
    assert.deepEqual([asked.length, p.snapshot().timeouts], [2, 1])
  })

  it('lets a timeout inside it limit each of its calls', async () => {
    const { clock, p, asked, work } = setUp([hedging(), timeout(100)])
    const answer = p.run(work)
    await clock.flow(100)
    assert.equal(p.snapshot().timeouts, 1)
    await clock.flow(49)
    asked[1]!.resolve('second')
    assert.equal(await answer, 'second')
  })

  it('is given up by its caller, both calls at once, with the reason of the caller', async () => {
    const { clock, p, asked, work } = setUp([hedging()])
    const caller = new AbortController()
    const answer = p.outcome(work, { signal: caller.signal })
    await clock.flow(50)
    caller.abort('left')
    assert.deepEqual(await answer, { kind: 'aborted', error: 'left' })
    assert.deepEqual(
      asked.map(({ context }) => context.signal.reason),
      ['left', 'left']
    )
    assert.equal(clock.pending, 0)
  })

  it('counts as one call for a breaker around it, and as two for one inside, where the loser counts for nothing', async () => {
    for (const [parts, calls] of [
      [[breaker(), hedging()], 1],
      [[hedging(), breaker()], 1]
    ] as const) {
      const { clock, p, asked, work } = setUp(parts)
      const answer = p.run(work)
      await clock.flow(50)
      asked[1]!.resolve('won')
      await answer
      assert.equal(p.snapshot().breaker!.calls, calls)
      const failing = assert.rejects(p.run(work))
      await clock.flow(50)
      for (const gate of asked) gate.reject(new Error('down'))
      await failing
      assert.equal(p.snapshot().breaker!.calls, parts[0].kind === 'breaker' ? 2 : 3)
    }
  })

  it('hides no hanging dependency from a breaker inside it, nor counts it twice', async () => {
    const { clock, p, work } = setUp([timeout(100), hedging(), breaker()])
    const answer = assert.rejects(p.run(work))
    await clock.flow(100)
    await answer
    const { calls, failureRate } = p.snapshot().breaker!
    assert.deepEqual([calls, failureRate], [1, 1])
  })

  it('gives the places of its probes back', async () => {
    const settings = { window: { calls: 2 }, minimumCalls: 2, openMs: 1_000, probes: 2, successThreshold: 2 }
    const { clock, p, asked, work } = setUp([hedging(), breaker(settings)])
    for (let i = 0; i < 2; i++) await assert.rejects(p.run(() => Promise.reject(new Error('down'))))
    await clock.flow(1_000)
    const answer = p.run(work)
    await clock.flow(50)
    await assert.rejects(p.run(work), { code: 'RESILIENCE_BREAKER_OPEN' })
    asked[1]!.resolve('probe')
    await answer
    assert.equal(p.breaker!.state, 'half-open')
    await p.run(() => 'second probe')
    assert.equal(p.breaker!.state, 'closed')
  })

  it('is begun anew by a retry around it', async () => {
    const { clock, p, asked, work } = setUp([retry({ idempotent: true, baseMs: 20 }), hedging()])
    const answer = p.run(work)
    await clock.flow(50)
    for (const gate of asked) gate.reject(new Error('down'))
    await clock.flow(60)
    assert.deepEqual(
      asked.map(({ at, context }) => [at, context.attempt]),
      [
        [0, 1],
        [50, 1],
        [60, 2],
        [110, 2]
      ]
    )
    asked[3]!.resolve('at last')
    assert.equal(await answer, 'at last')
  })

  it('is shared by all who ask a cache for the same key', async () => {
    const { clock, p, asked, work } = setUp([cache({ ttlMs: 1_000 }), hedging()])
    const both = [p.run(work, { key: 'k' }), p.run(work, { key: 'k', deadline: 60 })]
    const hasty = assert.rejects(both[1]!)
    await clock.flow(60)
    await hasty
    asked[1]!.resolve('x')
    assert.deepEqual([await both[0], asked.length, clock.pending], ['x', 2, 0])
  })

  it('refuses to stand outside of what it would harm, and says why', () => {
    for (const inner of [retry(), cache({ ttlMs: 1 }), fallback(1), deadline(1)]) {
      assert.throws(() => policy('p', [hedge(), inner]), new RegExp(`p: a ${inner.kind} inside of a hedge: .* inside`))
      assert.doesNotThrow(() => policy('p', [inner, hedge()]))
    }
    assert.throws(() => policy('p', [hedge(), hedge()]), /more than one hedge/)
  })

  it('says in words what it will do', () => {
    const words = (options: HedgeOptions) =>
      policy('p', [hedge(options)])
        .explain()
        .split('\n')[1]
    assert.equal(
      words({ idempotent: true }),
      ' 1. hedge: a second call when the first takes longer than 95 % of the calls of the last 30000 ms do (from 20 calls on; none until 20 are known); the first answer wins; hedges within 20 % of the calls, or 3 a second.'
    )
    assert.equal(
      words({ afterMs: 50 }),
      ' 1. hedge: a second call for calls that say they are idempotent when the first takes longer than 50 ms; the first answer wins; hedges within 20 % of the calls, or 3 a second.'
    )
  })
})
