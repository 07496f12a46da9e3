import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { breaker } from './breaker/breaker.ts'
import { bulkhead } from './bulkhead/bulkhead.ts'
import { cache } from './cache/cache.ts'
import { deadline } from './deadline.ts'
import { fallback } from './fallback.ts'
import { manualClock } from './manual-clock.ts'
import { type Policy, policy } from './policy.ts'
import { retry } from './retry/retry.ts'
import { timeout } from './timeout.ts'

const down = () => Promise.reject(new Error('down'))

describe('a policy', () => {
  it('passes through what a function returns and throws, at once or later', async () => {
    const p = policy('p', [])
    assert.equal(await p.run(() => 1), 1)
    assert.equal(await p.run(async () => 2), 2)
    // biome-ignore lint/suspicious/noThenProperty: a promise of someone else's making is the point.
    assert.equal(await p.run(() => ({ then: (resolve: (n: number) => void) => resolve(3) }) as PromiseLike<number>), 3)
    await assert.rejects(p.run(down), /down/)
    await assert.rejects(
      p.run(() => {
        throw new Error('early')
      }),
      /early/
    )
  })

  it('rejects and never throws, whatever is wrong with what it is given', async () => {
    const p = policy('p', [])
    const call = p.run(() => 1, { signal: 'no signal' as never })
    await assert.rejects(call, TypeError)
    const broken = { ...manualClock(), now: () => assert.fail('no time') }
    await assert.rejects(
      policy('p', [], { clock: broken }).run(() => 1),
      /no time/
    )
  })

  it('types its answers as what the function and its fallbacks give', async () => {
    const none: Policy = policy('p', [timeout(10), retry()])
    const two: Policy<'a' | null> = policy('p', [fallback('a'), fallback(null)])
    const n: number = await none.run(() => 1)
    const m: number | 'a' | null = await two.run(() => 1)
    // @ts-expect-error the fallback may have answered
    const wrong: number = await two.run(() => 1)
    assert.deepEqual([n, m, wrong], [1, 1, 1])
  })

  it('tells how a call ended, as a value', async () => {
    const p = policy('p', [breaker(), bulkhead({ concurrency: 1 })], { clock: manualClock() })
    const left = AbortSignal.abort('left')
    assert.deepEqual(await p.outcome(() => 1), { kind: 'ok', value: 1, source: 'call', ageMs: 0 })
    assert.equal((await p.outcome(down)).kind, 'failed')
    assert.deepEqual(await p.outcome(() => assert.fail('begun'), { signal: left }), { kind: 'aborted', error: 'left' })
    p.run(() => new Promise(() => {})).catch(() => {})
    const refused = await p.outcome(() => 1)
    assert.ok(refused.kind === 'rejected' && refused.by === 'bulkhead' && refused.retryAfterMs === null)
    p.breaker!.forceOpen()
    const open = await p.outcome(() => 1)
    assert.ok(open.kind === 'rejected' && open.by === 'breaker' && open.retryAfterMs === 5_000)
    const late = await policy('p', [], { clock: manualClock() }).outcome(() => 1, { deadline: 0 })
    assert.ok(late.kind === 'rejected' && late.by === 'deadline')
  })

  it('counts every call once, as what it ended as', async () => {
    const p = policy('p', [bulkhead({ concurrency: 1 })], { clock: manualClock() })
    await p.run(() => 1)
    await p.outcome(down)
    await p.outcome(() => 1, { signal: AbortSignal.abort() })
    p.run(() => new Promise(() => {})).catch(() => {})
    await p.outcome(() => 1)
    const { calls, ok, failed, aborted, rejected, inFlight, invocations } = p.snapshot()
    assert.deepEqual([calls, ok, failed, aborted, rejected, inFlight, invocations], [5, 1, 1, 1, 1, 1, 3])
  })

  it('leaves no listener on the signal of its caller', async () => {
    const { signal } = new AbortController()
    let listening = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listening++
      addEventListener.apply(signal, args)
    }
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listening--
      removeEventListener.apply(signal, args)
    }
    const p = policy('p', [timeout(100)], { clock: manualClock() })
    for (let i = 0; i < 10; i++) await p.run(() => i, { signal })
    await assert.rejects(p.run(down, { signal }))
    assert.equal(listening, 0)
  })

  it('is not troubled by a listener that throws, nor heard by one that has left', async () => {
    const p = policy('p', [fallback(0)])
    const heard: string[] = []
    p.on(() => {
      throw new Error('bad listener')
    })
    const leave = p.on(event => heard.push(event.type))
    assert.equal(await p.run(down), 0)
    leave()
    assert.equal(await p.run(down), 0)
    assert.deepEqual([heard, p.snapshot().listenerErrors], [['fallback'], 2])
  })

  it('is free to die when nobody holds it, with its circuit and its budget (opossum #363, #635)', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const make = async (i: number) => {
      const p = policy(`p${i}`, [retry({ idempotent: true }), breaker(), bulkhead({ concurrency: 1 }), timeout(1_000)])
      await p.run(() => i)
      return new WeakRef(p)
    }
    const dropped = await Promise.all(Array.from({ length: 100 }, (_, i) => make(i)))
    for (let i = 0; i < 5; i++) {
      await new Promise(resolve => setImmediate(resolve))
      collect()
    }
    assert.equal(dropped.filter(ref => ref.deref() !== undefined).length, 0)
  })

  it('says in words what it will do', () => {
    const p = policy('metadata', [
      fallback('unknown'),
      cache({ ttlMs: 60_000, staleMs: 600_000, errorTtlMs: 2_000 }),
      deadline(150),
      retry({ idempotent: true, attempts: 2 }),
      breaker.preset.slowDependency(),
      bulkhead({ concurrency: 20, queue: 50, queueTimeoutMs: 30 }),
      timeout(100)
    ])
    assert.equal(
      p.explain(),
      [
        'metadata: each call goes through these parts, the first being the outermost.',
        ' 1. fallback: answers with "unknown" on any error but the caller\'s abort.',
        ' 2. cache: answers by key for 60000 ms, for 600000 ms more when asking fails; keeps errors for 2000 ms; 1000 keys, one call a key at a time.',
        ' 3. deadline: everything inside ends within 150 ms, or by the deadline handed in if sooner; nothing begins with less than 1 ms left.',
        ' 4. retry: up to 2 attempts, full jitter from 50 ms up to 2000 ms, retries within 20 % of the calls, or 3 a second.',
        ' 5. breaker: opens when at least 5 % of the last 10000 ms fail or take over 200 ms, from 20 calls on; stays open for 1000 ms, growing to 30000 ms; then lets 5 probes through and closes when 5 of them succeed, and lets a growing share of the calls through for 2000 ms after that.',
        ' 6. bulkhead: 20 run at once, 50 more wait for up to 30 ms, first come first served, and the rest are refused.',
        ' 7. timeout: gives up what is inside after 100 ms.'
      ].join('\n')
    )
  })

  it('refuses to be nameless, or to have a part twice that makes sense once', () => {
    assert.throws(() => policy('', []), RangeError)
    assert.throws(() => policy('p', [breaker(), breaker()]), /p: more than one breaker/)
    assert.throws(() => policy('p', [deadline(1), timeout(1), deadline(2)]), /more than one deadline/)
  })
})
