import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { breaker } from './breaker/breaker.ts'
import { bulkhead } from './bulkhead/bulkhead.ts'
import { cache } from './cache/cache.ts'
import { concurrencyLimit } from './concurrency-limit/concurrency-limit.ts'
import { deadline } from './deadline.ts'
import { hedge } from './hedge/hedge.ts'
import { manualClock } from './manual-clock.ts'
import type { Outcome } from './outcome.ts'
import type { Part } from './part.ts'
import { policy } from './policy.ts'
import { PRIORITIES, type Priority } from './priority.ts'
import { rateLimit } from './rate-limit/rate-limit.ts'
import { retry } from './retry/retry.ts'
import { timeout } from './timeout.ts'

type Step =
  | { do: 'call'; deadlineMs: number | null; key: string | undefined; priority: Priority; sync: boolean }
  | { do: 'end'; which: number; ok: boolean }
  | { do: 'abort'; which: number }
  | { do: 'wait'; ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('call' as const),
      deadlineMs: fc.option(fc.nat(300)),
      key: fc.constantFrom(undefined, 'a', 'b'),
      priority: fc.constantFrom(...PRIORITIES),
      sync: fc.constantFrom(false, false, false, true)
    })
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(1_000), ok: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(1_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(60), fc.nat(20_000)) }) }
)

const CONCURRENCY = 3
const QUEUE = 2

const parts = fc.shuffledSubarray<{ name: string; part: () => Part }>(
  [
    { name: 'deadline', part: () => deadline(250) },
    { name: 'retry', part: () => retry({ idempotent: true, baseMs: 20, budget: { minPerSecond: 1_000 } }) },
    {
      name: 'breaker',
      part: () => breaker({ window: { calls: 8 }, minimumCalls: 4, openMs: 100, probes: 2, probeTimeoutMs: 150 })
    },
    { name: 'cache', part: () => cache({ ttlMs: 30, revalidateMs: 20, staleMs: 50, errorTtlMs: 10, max: 2 }) },
    { name: 'rate-limit', part: () => rateLimit({ rate: 50, burst: 3, maxWaitMs: 100 }) },
    {
      name: 'concurrency-limit',
      part: () => concurrencyLimit({ initialLimit: 4, minLimit: 2, maxLimit: 8, queue: 2, permitTimeoutMs: Infinity })
    },
    { name: 'timeout', part: () => timeout(80) }
  ],
  { minLength: 0 }
)

/** Where a hedge stands, if there is one: anywhere inside of the parts that it may not stand outside of. */
const hedgeAt = fc.option(fc.nat(5))
const mayNotBeInside = new Set(['deadline', 'retry', 'cache'])

describe('any policy with a bulkhead, its parts in any order', () => {
  it('answers every call once, conserves its slots and is usable again, whatever happens', async () => {
    const seen = new Set<string>()
    const property = fc.asyncProperty(
      parts,
      fc.nat(5),
      hedgeAt,
      fc.array(step, { maxLength: 80, size: 'max' }),
      async (chosen, where, hedged, steps) => {
        const made = chosen.map(({ part }) => part())
        made.splice(
          where % (made.length + 1),
          0,
          bulkhead({ concurrency: CONCURRENCY, queue: QUEUE, queueTimeoutMs: 60 })
        )
        if (hedged !== null) {
          const least = made.findLastIndex(part => mayNotBeInside.has(part.kind)) + 1
          const at = least + (hedged % (made.length - least + 1))
          made.splice(at, 0, hedge({ idempotent: true, afterMs: 25, budget: { minPerSecond: 1_000 } }))
        }
        const clock = manualClock()
        const p = policy('p', made, { clock, random: () => 0.5 })
        // With a retry or a hedge inside the bulkhead a slot stands for a call and not for an attempt.
        const kinds = made.map(part => part.kind)
        const perAttempt = !kinds.slice(kinds.indexOf('bulkhead')).some(kind => kind === 'retry' || kind === 'hedge')
        const running = new Set<PromiseWithResolvers<number>>()
        const callers: AbortController[] = []
        const outcomes: Outcome<number>[] = []
        let calls = 0

        const act = async (what: Step) => {
          if (what.do === 'call') {
            const caller = new AbortController()
            callers.push(caller)
            calls++
            const work = () => {
              if (what.sync) return calls
              const gate = Promise.withResolvers<number>()
              running.add(gate)
              return gate.promise
            }
            const due = what.deadlineMs === null ? undefined : clock.now() + what.deadlineMs
            void p
              .outcome(work, { signal: caller.signal, deadline: due, key: what.key, priority: what.priority })
              .then(outcome => outcomes.push(outcome))
          } else if (what.do === 'end' && running.size > 0) {
            const gate = [...running][what.which % running.size]!
            running.delete(gate)
            if (what.ok) gate.resolve(1)
            else gate.reject(new Error('down'))
          } else if (what.do === 'abort' && callers.length > 0) {
            callers[what.which % callers.length]!.abort()
          }
          await clock.flow(what.do === 'wait' ? what.ms : 0)
        }

        for (const what of steps) {
          await act(what)
          const { bulkhead, concurrencyLimit, inFlight } = p.snapshot()
          if (perAttempt) assert.ok(running.size <= CONCURRENCY, `${running.size} functions run`)
          assert.ok(bulkhead!.running <= CONCURRENCY && bulkhead!.running >= 0)
          assert.ok(bulkhead!.queued <= QUEUE)
          assert.ok((concurrencyLimit?.running ?? 0) <= 8 && (concurrencyLimit?.queued ?? 0) <= 2)
          assert.ok(bulkhead!.queued === 0 || bulkhead!.running === CONCURRENCY, 'someone waits beside a free slot')
          assert.equal(outcomes.length, calls - inFlight)
        }

        while (running.size > 0) await act({ do: 'end', which: 0, ok: true })
        await clock.flow(5_000)
        while (running.size > 0) await act({ do: 'end', which: 0, ok: true })
        await clock.flow(5_000)
        const { inFlight, bulkhead: slots, rateLimit: line, concurrencyLimit: limit } = p.snapshot()
        assert.deepEqual(
          { inFlight, slots },
          { inFlight: 0, slots: { running: 0, queued: 0, concurrency: CONCURRENCY } }
        )
        assert.equal(line?.waiting ?? 0, 0)
        assert.equal((limit?.running ?? 0) + (limit?.queued ?? 0), 0)
        assert.equal(outcomes.length, calls)
        assert.equal(clock.pending, 0)
        for (const { kind } of outcomes) seen.add(kind)
        if (p.snapshot().hedgesWon > 0) seen.add('hedged')

        // With the dependency well, a breaker may still open once for what is in its window, and then no more.
        for (let i = 0; i < 12; i++) {
          await clock.flow(60_000)
          await p.outcome(() => 7)
        }
        assert.equal(await p.run(() => 7), 7)
        if (p.breaker !== null) assert.equal(p.breaker.state, 'closed')
      }
    )
    await fc.assert(property, { numRuns: 300 })
    assert.deepEqual([...seen].sort(), ['aborted', 'failed', 'hedged', 'ok', 'rejected'])
  })
})
