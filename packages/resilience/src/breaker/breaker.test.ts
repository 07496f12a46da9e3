import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bulkhead } from '../bulkhead/bulkhead.ts'
import { deadline } from '../deadline.ts'
import type { PolicyEvent } from '../events.ts'
import { manualClock } from '../manual-clock.ts'
import { policy } from '../policy.ts'
import { timeout } from '../timeout.ts'
import { breaker } from './breaker.ts'
import type { BreakerOptions } from './settings.ts'

const down = () => Promise.reject(new Error('down'))
const hang = () => new Promise<never>(() => {})
const open = { name: 'BreakerOpenError', code: 'RESILIENCE_BREAKER_OPEN', policy: 'metadata', rejected: true }
const settings: BreakerOptions = { window: { calls: 10 }, minimumCalls: 10, openMs: 1_000, probes: 2 }

describe('a breaker', () => {
  it('refuses without asking once it is open, and says when to come back', async () => {
    const clock = manualClock()
    const p = policy('metadata', [breaker(settings)], { clock })
    for (let i = 0; i < 10; i++) await assert.rejects(p.run(down), /down/)
    await clock.flow(400)
    await assert.rejects(
      p.run(() => assert.fail('asked')),
      { ...open, retryAfterMs: 600 }
    )
    await clock.flow(600)
    assert.deepEqual([await p.run(() => 1), await p.run(() => 2)], [1, 2])
    assert.equal(p.breaker!.state, 'closed')
  })

  it('does not count its own bulkhead: full a thousand times, it stays closed (opossum does)', async () => {
    for (const parts of [
      [breaker(settings), bulkhead({ concurrency: 1 })],
      [bulkhead({ concurrency: 1 }), breaker(settings)]
    ]) {
      const p = policy('metadata', parts, { clock: manualClock() })
      p.run(hang).catch(() => {})
      for (let i = 0; i < 1_000; i++) await assert.rejects(p.run(down), { code: 'RESILIENCE_BULKHEAD_FULL' })
      assert.equal(p.breaker!.state, 'closed')
      assert.equal(p.snapshot().breaker!.calls, 0)
    }
  })

  it('does not count the bulkhead of a policy further down either', async () => {
    const inner = policy('inner', [bulkhead({ concurrency: 1 })])
    inner.run(hang).catch(() => {})
    const p = policy('metadata', [breaker(settings)], { clock: manualClock() })
    for (let i = 0; i < 20; i++) await assert.rejects(p.run(() => inner.run(down)))
    assert.equal(p.snapshot().breaker!.calls, 0)
  })

  it("takes a caller's abort for neither success nor failure, of a probe too", async () => {
    const clock = manualClock()
    const p = policy('metadata', [breaker(settings)], { clock })
    const abort = async () => {
      const caller = new AbortController()
      const call = assert.rejects(p.run(hang, { signal: caller.signal }), { name: 'AbortError' })
      caller.abort()
      await call
    }
    for (let i = 0; i < 50; i++) await abort()
    assert.equal(p.snapshot().breaker!.calls, 0)
    for (let i = 0; i < 10; i++) await assert.rejects(p.run(down))
    await clock.flow(1_000)
    for (let i = 0; i < 50; i++) await abort()
    assert.equal(p.breaker!.state, 'half-open')
    assert.equal(await p.run(() => 'probe'), 'probe')
  })

  it('ends half-open whose probes hang, and refuses the surplus at once meanwhile', async () => {
    const clock = manualClock()
    const p = policy('metadata', [breaker({ ...settings, probeTimeoutMs: 3_000 })], { clock })
    for (let i = 0; i < 10; i++) await assert.rejects(p.run(down))
    await clock.flow(1_000)
    p.run(hang).catch(() => {})
    p.run(hang).catch(() => {})
    await assert.rejects(p.run(down), open)
    await clock.flow(3_000)
    assert.equal(p.breaker!.state, 'open')
  })

  it('counts what times out, inside of it or around it', async () => {
    for (const parts of [
      [breaker(settings), timeout(50)],
      [timeout(50), breaker(settings)]
    ]) {
      const clock = manualClock()
      const p = policy('metadata', parts, { clock })
      for (let i = 0; i < 10; i++) {
        const call = assert.rejects(p.run(hang), { code: 'RESILIENCE_TIMEOUT' })
        await clock.flow(50)
        await call
      }
      assert.equal(p.breaker!.state, 'open')
    }
  })

  it('blames the dependency for a deadline only if it had a fair time', async () => {
    const clock = manualClock()
    const p = policy('metadata', [deadline(500), breaker({ ...settings, tooShortMs: 50 })], { clock })
    const callWith = async (ms: number) => {
      const call = assert.rejects(p.run(hang, { deadline: clock.now() + ms }))
      await clock.flow(ms)
      await call
    }
    for (let i = 0; i < 20; i++) await callWith(49)
    assert.equal(p.snapshot().breaker!.calls, 0)
    for (let i = 0; i < 10; i++) await callWith(50)
    assert.equal(p.breaker!.state, 'open')
  })

  it('counts by `failsOn`: an error that is an answer is a success', async () => {
    const missing = Object.assign(new Error('missing'), { status: 404 })
    const failsOn = (error: unknown) => (error as { status?: number }).status !== 404
    const p = policy('metadata', [breaker({ ...settings, failsOn })], { clock: manualClock() })
    for (let i = 0; i < 20; i++) await assert.rejects(p.run(() => Promise.reject(missing)))
    assert.deepEqual([p.snapshot().breaker!.calls, p.breaker!.state], [10, 'closed'])
  })

  it('lets just its probes ask half-open though two hundred come at once (safe-client-gateway 3442)', async () => {
    const clock = manualClock()
    const p = policy('metadata', [timeout(30_000), breaker(settings)], { clock })
    for (let i = 0; i < 10; i++) await assert.rejects(p.run(down))
    await clock.flow(1_000)
    let asked = 0
    const outcomes = Array.from({ length: 200 }, () =>
      p.outcome(() => {
        asked++
        return hang()
      })
    )
    const refused = await Promise.all(outcomes.slice(2))
    assert.ok(refused.every(outcome => outcome.kind === 'rejected'))
    assert.equal(asked, 2)
  })

  it('refuses a part of the calls in its ramp, and shows how large', async () => {
    const clock = manualClock()
    const p = policy('metadata', [breaker({ ...settings, rampMs: 2_000 })], { clock })
    for (let i = 0; i < 10; i++) await assert.rejects(p.run(down))
    await clock.flow(1_000)
    for (let i = 0; i < 2; i++) await p.run(() => 'probe')
    assert.equal(p.breaker!.state, 'closed')
    assert.equal(await p.run(() => 'first'), 'first')
    await assert.rejects(
      p.run(() => 'herd'),
      { ...open, retryAfterMs: 2_000 }
    )
    await clock.flow(1_000)
    assert.equal(p.snapshot().breaker!.admits, 0.55)
    await clock.flow(1_000)
    assert.equal(p.snapshot().breaker!.admits, 1)
    for (let i = 0; i < 20; i++) await p.run(() => 'all')
  })

  it('in shadow mode judges and tells, and refuses nobody, not even by hand', async () => {
    const clock = manualClock()
    const p = policy('metadata', [breaker({ ...settings, shadow: true })], { clock })
    const heard: string[] = []
    p.on(event => heard.push(event.type === 'breaker.state' ? event.to : event.type))
    for (let i = 0; i < 10; i++) await assert.rejects(p.run(down), /down/)
    for (let i = 0; i < 3; i++) assert.equal(await p.run(() => 'asked'), 'asked')
    // What it would have refused moves nothing: its state is what it would be in earnest.
    assert.deepEqual([p.breaker!.state, p.snapshot().breaker!.calls], ['open', 10])
    await clock.flow(1_000)
    for (let i = 0; i < 2; i++) await p.run(() => 'probe')
    assert.equal(p.breaker!.state, 'closed')
    p.breaker!.forceOpen()
    assert.equal(await p.run(() => 'asked'), 'asked')
    const would = ['breaker.would-reject', 'breaker.would-reject', 'breaker.would-reject']
    assert.deepEqual(heard, ['open', ...would, 'half-open', 'closed', 'forced-open', 'breaker.would-reject'])
    const { breakerRejections, breakerWouldReject, rejected } = p.snapshot()
    assert.deepEqual([breakerRejections, breakerWouldReject, rejected], [0, 4, 0])
    assert.match(p.explain(), /breaker, in shadow mode: tells and refuses nothing: opens when/)
  })

  it('is not moved by the wall clock', async () => {
    const clock = manualClock()
    const p = policy('metadata', [breaker(settings)], { clock })
    for (let i = 0; i < 10; i++) await assert.rejects(p.run(down))
    clock.stepWall(3_600_000)
    assert.equal(p.breaker!.state, 'open')
    clock.stepWall(-7_200_000)
    clock.advance(1_000)
    assert.equal(p.breaker!.state, 'half-open')
  })

  it('tells of its changes of state as plain objects', async () => {
    const clock = manualClock(0)
    const p = policy('metadata', [breaker(settings)], { clock })
    const events: PolicyEvent[] = []
    p.on(event => events.push(event))
    for (let i = 0; i < 10; i++) await assert.rejects(p.run(down))
    await assert.rejects(p.run(down))
    assert.deepEqual(events, [
      {
        policy: 'metadata',
        at: 0,
        type: 'breaker.state',
        from: 'closed',
        to: 'open',
        because: '10 of 10 calls failed'
      },
      { policy: 'metadata', at: 0, type: 'breaker.rejected', retryAfterMs: 1_000 }
    ])
  })

  it('sets no timer and holds no handle, a hundred thousand of them', () => {
    const clock = manualClock()
    for (let i = 0; i < 100_000; i++) {
      const p = policy('metadata', [breaker({ ...settings, minimumCalls: 1, window: { calls: 1 } })], { clock })
      p.run(down).catch(() => {})
    }
    assert.equal(clock.pending, 0)
  })

  it("leaves the caller's options as they are (opossum changes them), and shares no state between policies", async () => {
    const options = Object.freeze({ ...settings })
    const part = breaker(options)
    const clock = manualClock()
    const [a, b] = [policy('metadata', [part], { clock }), policy('metadata', [part], { clock })]
    for (let i = 0; i < 10; i++) await assert.rejects(a.run(down))
    assert.deepEqual([a.breaker!.state, b.breaker!.state], ['open', 'closed'])
  })
})

describe('the preset for a slow dependency', () => {
  const call = async (clock: ReturnType<typeof manualClock>, p: ReturnType<typeof policy>, ms: number) => {
    const answer = p.run(() => new Promise<void>(resolve => clock.setTimer(resolve, ms)))
    await clock.flow(ms)
    await answer
  }

  it('opens when one call in twenty takes over 200 ms, though none fails', async () => {
    const clock = manualClock()
    const p = policy('metadata', [breaker.preset.slowDependency()], { clock })
    for (let i = 0; i < 19; i++) await call(clock, p, 200)
    assert.equal(p.breaker!.state, 'closed')
    await call(clock, p, 201)
    assert.equal(p.breaker!.state, 'open')
    await clock.flow(999)
    await assert.rejects(p.run(down), open)
    await clock.flow(1)
    for (let i = 0; i < 5; i++) await call(clock, p, 5)
    assert.equal(p.breaker!.state, 'closed')
    assert.equal(p.snapshot().breaker!.admits, 0.1)
    await clock.flow(2_000)
    assert.equal(p.snapshot().breaker!.admits, 1)
  })

  it('stays closed below 5 %, and below 20 calls', async () => {
    const clock = manualClock()
    const p = policy('metadata', [breaker.preset.slowDependency()], { clock })
    for (let i = 0; i < 10; i++) await call(clock, p, 250)
    assert.equal(p.breaker!.state, 'closed')
    await clock.flow(10_000)
    for (let i = 0; i < 21; i++) await call(clock, p, 5)
    await call(clock, p, 250)
    assert.equal(p.breaker!.state, 'closed')
  })

  it('stays open for twice as long each time, up to 30 s', async () => {
    const clock = manualClock()
    const p = policy('metadata', [breaker.preset.slowDependency()], { clock })
    for (let i = 0; i < 20; i++) await assert.rejects(p.run(down))
    const waits: number[] = []
    for (let i = 0; i < 7; i++) {
      const { retryAfterMs } = p.snapshot().breaker!
      waits.push(retryAfterMs)
      await clock.flow(retryAfterMs)
      await assert.rejects(p.run(down), /down/)
    }
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })
})
