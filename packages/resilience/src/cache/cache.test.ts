import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breaker } from '../breaker/breaker.ts'
import { bulkhead } from '../bulkhead/bulkhead.ts'
import { deadline } from '../deadline.ts'
import { manualClock } from '../manual-clock.ts'
import type { Part } from '../part.ts'
import { policy } from '../policy.ts'
import { retry } from '../retry/retry.ts'
import { type CacheOptions, cache } from './cache.ts'

const setUp = (options: Partial<CacheOptions> = {}, ...inside: Part[]) => {
  const clock = manualClock()
  const p = policy('p', [cache({ ttlMs: 1_000, ...options }), ...inside], { clock })
  let asked = 0
  const ask = (key: string | undefined, answer: () => unknown = () => asked) =>
    p.outcome(
      () => {
        asked++
        return answer()
      },
      { key }
    )
  const down = () => Promise.reject(new Error('down'))
  return { clock, p, ask, down, asked: () => asked }
}

describe('a cache', () => {
  it('serves what is fresh without asking, and says so and how old it is', async () => {
    const { clock, ask } = setUp()
    assert.deepEqual(await ask('a'), { kind: 'ok', value: 1, source: 'call', ageMs: 0 })
    await clock.flow(999)
    assert.deepEqual(await ask('a'), { kind: 'ok', value: 1, source: 'cache', ageMs: 999 })
    await clock.flow(1)
    assert.deepEqual(await ask('a'), { kind: 'ok', value: 2, source: 'call', ageMs: 0 })
  })

  it('keeps keys apart, and goes past a call without one', async () => {
    const { ask, asked, p } = setUp()
    await ask('a')
    await ask('b')
    await ask(undefined)
    await ask(undefined)
    assert.deepEqual([asked(), p.snapshot().cache], [4, { keys: 2, inFlight: 0 }])
  })

  it('serves stale when asking again fails, for as long as it may', async () => {
    const { clock, ask, down } = setUp({ staleMs: 5_000 })
    await ask('a')
    await clock.flow(5_999)
    assert.deepEqual(await ask('a', down), { kind: 'ok', value: 1, source: 'stale', ageMs: 5_999 })
    await clock.flow(1)
    assert.equal((await ask('a', down)).kind, 'failed')
  })

  it('serves stale when its own breaker refuses', async () => {
    const { clock, p, ask } = setUp({ staleMs: 5_000 }, breaker())
    await ask('a')
    p.breaker!.forceOpen()
    await clock.flow(2_000)
    assert.deepEqual(await ask('a'), { kind: 'ok', value: 1, source: 'stale', ageMs: 2_000 })
    assert.equal((await ask('b')).kind, 'rejected')
  })

  it('keeps an error for its own short time, in which nobody is asked', async () => {
    const { clock, ask, down, asked } = setUp({ errorTtlMs: 100 })
    assert.equal((await ask('a', down)).kind, 'failed')
    await clock.flow(99)
    const again = await ask('a')
    assert.deepEqual([again.kind, asked()], ['failed', 1])
    await clock.flow(1)
    assert.deepEqual(await ask('a'), { kind: 'ok', value: 2, source: 'call', ageMs: 0 })
  })

  it('does not keep errors unless told to, and never what a part turned away', async () => {
    const { ask, down, asked } = setUp()
    await ask('a', down)
    await ask('a', down)
    assert.equal(asked(), 2)

    const refusing = setUp({ errorTtlMs: 10_000 }, breaker())
    refusing.p.breaker!.forceOpen()
    assert.equal((await refusing.ask('a')).kind, 'rejected')
    refusing.p.breaker!.reset()
    assert.equal((await refusing.ask('a')).kind, 'ok')
  })

  it('asks nobody while an error is remembered, and serves stale meanwhile', async () => {
    const { clock, ask, down, asked } = setUp({ staleMs: 5_000, errorTtlMs: 100 })
    await ask('a')
    await clock.flow(2_000)
    for (let i = 0; i < 10; i++) {
      assert.deepEqual(await ask('a', down), { kind: 'ok', value: 1, source: 'stale', ageMs: 2_000 })
    }
    assert.equal(asked(), 2)
    await clock.flow(100)
    assert.deepEqual(await ask('a'), { kind: 'ok', value: 3, source: 'call', ageMs: 0 })
  })

  it('makes one call for all who ask meanwhile', async () => {
    const { ask, asked, clock, p } = setUp()
    const gate = Promise.withResolvers<string>()
    const all = Array.from({ length: 50 }, () => ask('a', () => gate.promise))
    gate.resolve('x')
    assert.ok((await Promise.all(all)).every(outcome => outcome.kind === 'ok' && outcome.value === 'x'))
    assert.deepEqual([asked(), p.snapshot().cacheJoined, clock.pending], [1, 49, 0])
  })

  it('lets each of them leave alone, and gives the call up with the last', async () => {
    const clock = manualClock()
    const p = policy('p', [cache({ ttlMs: 1_000 })], { clock })
    const [a, b] = [new AbortController(), new AbortController()]
    let inner: AbortSignal | undefined
    const join = (signal: AbortSignal) =>
      p.outcome(
        context => {
          inner = context.signal
          return new Promise<never>(() => {})
        },
        { key: 'k', signal }
      )
    const [first, second] = [join(a.signal), join(b.signal)]
    a.abort()
    assert.equal((await first).kind, 'aborted')
    assert.equal(inner!.aborted, false)
    b.abort()
    assert.equal((await second).kind, 'aborted')
    assert.equal(inner!.aborted, true)
    assert.equal(p.snapshot().cache!.inFlight, 0)
  })

  it('gives a shared call as much time as the most patient has, and each of the others its own', async () => {
    const clock = manualClock()
    const p = policy('p', [cache({ ttlMs: 1_000 })], { clock })
    const gate = Promise.withResolvers<string>()
    const hasty = p.outcome(() => gate.promise, { key: 'k', deadline: 50 })
    const patient = p.outcome(() => gate.promise, { key: 'k', deadline: 500 })
    await clock.flow(50)
    assert.equal((await hasty).kind, 'failed')
    await clock.flow(300)
    gate.resolve('at last')
    assert.deepEqual(await patient, { kind: 'ok', value: 'at last', source: 'call', ageMs: 0 })
    assert.equal(p.snapshot().invocations, 1)
  })

  it('serves stale at the deadline of its caller', async () => {
    const { clock, p, ask } = setUp({ staleMs: 60_000 })
    await ask('a')
    await clock.flow(2_000)
    const hanging = p.outcome(() => new Promise<never>(() => {}), { key: 'a', deadline: clock.now() + 100 })
    await clock.flow(100)
    assert.deepEqual(await hanging, { kind: 'ok', value: 1, source: 'stale', ageMs: 2_100 })
  })

  it('hides no hanging dependency from a breaker, with the deadline on either side', async () => {
    const judging = breaker({ window: { calls: 5 }, minimumCalls: 5 })
    for (const order of [
      [deadline(50), cache({ ttlMs: 1_000 }), judging],
      [cache({ ttlMs: 1_000 }), deadline(50), judging],
      [judging, cache({ ttlMs: 1_000 }), deadline(50)]
    ]) {
      const clock = manualClock()
      const p = policy('p', order, { clock })
      for (let i = 0; i < 5; i++) {
        const call = p.outcome(() => new Promise<never>(() => {}), { key: 'k' })
        await clock.flow(50)
        assert.equal((await call).kind, 'failed')
      }
      assert.equal(p.breaker!.state, 'open', order.map(part => part.kind).join(' > '))
    }
  })

  it('shows a breaker around it only the calls that were made', async () => {
    const clock = manualClock()
    const p = policy('p', [breaker(), cache({ ttlMs: 1_000 })], { clock })
    for (let i = 0; i < 10; i++) await p.run(() => 1, { key: 'k' })
    assert.equal(p.snapshot().breaker!.calls, 1)

    const remembering = policy('p', [breaker(), cache({ ttlMs: 1_000, errorTtlMs: 1_000 })], { clock })
    const down = () => Promise.reject(new Error('down'))
    for (let i = 0; i < 10; i++) assert.equal((await remembering.outcome(down, { key: 'k' })).kind, 'failed')
    assert.equal(remembering.snapshot().breaker!.calls, 1)
  })

  it('holds the slot of a bulkhead around it while the shared call runs', async () => {
    const clock = manualClock()
    const p = policy('p', [bulkhead({ concurrency: 1 }), cache({ ttlMs: 1_000 })], { clock })
    const gate = Promise.withResolvers<void>()
    const caller = new AbortController()
    const call = p.outcome(() => gate.promise, { key: 'k', signal: caller.signal })
    caller.abort()
    assert.equal((await call).kind, 'aborted')
    assert.equal(p.snapshot().bulkhead!.running, 1)
    gate.resolve()
    await clock.flow(0)
    assert.equal(p.snapshot().bulkhead!.running, 0)
  })

  it('gives that slot back once, though the shared call goes on for others and is tried again', async () => {
    const clock = manualClock()
    const parts = [bulkhead({ concurrency: 2 }), cache({ ttlMs: 1_000 }), retry({ idempotent: true, attempts: 4 })]
    const p = policy('p', parts, { clock, random: () => 0.5 })
    const gates: PromiseWithResolvers<string>[] = []
    const work = () => {
      const gate = Promise.withResolvers<string>()
      gates.push(gate)
      return gate.promise
    }
    const caller = new AbortController()
    const first = p.outcome(work, { key: 'k', signal: caller.signal })
    const second = p.outcome(work, { key: 'k' })
    caller.abort()
    assert.equal((await first).kind, 'aborted')
    for (let i = 0; i < 2; i++) {
      gates[i]!.reject(new Error('down'))
      await clock.flow(1_000)
      assert.equal(p.snapshot().bulkhead!.running, 1)
    }
    gates[2]!.resolve('up')
    assert.equal((await second).kind, 'ok')
    assert.equal(p.snapshot().bulkhead!.running, 0)
  })

  it('serves at once what may be renewed, and renews it by one call in the background', async () => {
    const { clock, p, ask, asked } = setUp({ revalidateMs: 5_000 })
    await ask('a')
    await clock.flow(2_000)
    const gate = Promise.withResolvers<string>()
    for (let i = 0; i < 20; i++) {
      assert.deepEqual(await ask('a', () => gate.promise), { kind: 'ok', value: 1, source: 'stale', ageMs: 2_000 })
    }
    assert.deepEqual([asked(), p.snapshot().cache!.inFlight, p.snapshot().inFlight], [2, 1, 0])
    gate.resolve('new')
    await clock.flow(500)
    assert.deepEqual(await ask('a'), { kind: 'ok', value: 'new', source: 'cache', ageMs: 500 })
    const { cacheRevalidated, cacheRefreshes, cacheRefreshesFailed } = p.snapshot()
    assert.deepEqual([cacheRevalidated, cacheRefreshes, cacheRefreshesFailed], [20, 1, 0])
  })

  it('asks and lets wait for the answer what is older than that, and lets it join a renewal that still runs', async () => {
    const { clock, ask, asked } = setUp({ revalidateMs: 5_000 })
    await ask('a')
    await clock.flow(5_000)
    const gate = Promise.withResolvers<string>()
    await ask('a', () => gate.promise)
    await clock.flow(1_000)
    const waits = ask('a')
    gate.resolve('new')
    assert.deepEqual(await waits, { kind: 'ok', value: 'new', source: 'call', ageMs: 0 })
    assert.equal(asked(), 2)
  })

  it('goes on serving when a renewal fails, says so, and does not try again while the error is remembered', async () => {
    const { clock, p, ask, asked, down } = setUp({ revalidateMs: 5_000, errorTtlMs: 100 })
    const heard: string[] = []
    p.on(({ type }) => heard.push(type))
    await ask('a')
    await clock.flow(1_000)
    for (let i = 0; i < 5; i++) assert.equal((await ask('a', down)).kind, 'ok')
    await clock.flow(0)
    for (let i = 0; i < 5; i++) assert.equal((await ask('a', down)).kind, 'ok')
    assert.deepEqual([asked(), heard], [2, ['cache.refresh-failed']])
    await clock.flow(100)
    await ask('a')
    assert.equal(asked(), 3)
  })

  it('renews for nobody in particular: the one who came by may leave, and had little time', async () => {
    const { clock, p, ask } = setUp({ revalidateMs: 60_000 }, deadline(500))
    await ask('a')
    await clock.flow(2_000)
    const caller = new AbortController()
    let inner: AbortSignal | undefined
    const work = (context: { signal: AbortSignal }) => {
      inner = context.signal
      return new Promise<never>(() => {})
    }
    const answer = await p.outcome(work, { key: 'a', signal: caller.signal, deadline: clock.now() + 10 })
    caller.abort()
    assert.equal(answer.kind, 'ok')
    await clock.flow(499)
    assert.equal(inner!.aborted, false)
    await clock.flow(1)
    assert.equal(inner!.aborted, true)
    const { cache, cacheRefreshesFailed } = p.snapshot()
    assert.deepEqual([cache!.inFlight, cacheRefreshesFailed, clock.pending], [0, 1, 0])
  })

  it('ends a renewal by a deadline around the cache, which is the policy’s own', async () => {
    const clock = manualClock()
    const p = policy('p', [deadline(200), cache({ ttlMs: 1_000, revalidateMs: 60_000 })], { clock })
    await p.run(() => 1, { key: 'a' })
    await clock.flow(2_000)
    assert.equal(await p.run(() => new Promise<never>(() => {}), { key: 'a', deadline: clock.now() + 10 }), 1)
    await clock.flow(199)
    assert.equal(p.snapshot().cache!.inFlight, 1)
    await clock.flow(1)
    assert.deepEqual([p.snapshot().cache!.inFlight, clock.pending], [0, 0])
  })

  it('holds the slot of a bulkhead around it while a renewal runs', async () => {
    const clock = manualClock()
    const p = policy('p', [bulkhead({ concurrency: 1 }), cache({ ttlMs: 1_000, revalidateMs: 60_000 })], { clock })
    await p.run(() => 1, { key: 'a' })
    await clock.flow(2_000)
    const gate = Promise.withResolvers<number>()
    assert.equal(await p.run(() => gate.promise, { key: 'a' }), 1)
    assert.equal(p.snapshot().bulkhead!.running, 1)
    gate.resolve(2)
    await clock.flow(0)
    assert.equal(p.snapshot().bulkhead!.running, 0)
    assert.equal(await p.run(() => 3, { key: 'a' }), 2)
  })

  it('keeps so many keys and no more; the one asked for longest ago makes room', async () => {
    const { ask, asked, p } = setUp({ max: 2 })
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await ask(key)
    assert.deepEqual([asked(), p.snapshot().cache!.keys], [4, 2])
  })

  it('makes its keys by `key`, and does not keep what that leaves out', async () => {
    const { ask, asked } = setUp({ key: key => (key === 'secret' ? undefined : key.toLowerCase()) })
    for (const key of ['A', 'a', 'secret', 'secret']) await ask(key)
    assert.equal(asked(), 3)
    const broken = setUp({
      key: () => {
        throw new Error('no key')
      }
    })
    assert.equal((await broken.ask('a')).kind, 'failed')
  })

  it('refuses settings that make no sense', () => {
    for (const bad of [
      { ttlMs: -1 },
      { ttlMs: 1, max: 0 },
      { ttlMs: 1, staleMs: Number.NaN },
      { ttlMs: 1, revalidateMs: -1 }
    ]) {
      assert.throws(() => cache(bad), RangeError)
    }
  })
})
