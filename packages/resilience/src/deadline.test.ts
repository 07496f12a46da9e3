import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bulkhead } from './bulkhead/bulkhead.ts'
import { deadline } from './deadline.ts'
import { formatDeadlineHeader, parseDeadlineHeader } from './deadline-header.ts'
import { fallback } from './fallback.ts'
import { manualClock } from './manual-clock.ts'
import { policy } from './policy.ts'
import { retry } from './retry/retry.ts'
import { timeout } from './timeout.ts'

const hang = () => new Promise<never>(() => {})
const exceeded = (incoming: boolean, rejected: boolean) => ({
  name: 'DeadlineExceededError',
  code: 'RESILIENCE_DEADLINE_EXCEEDED',
  policy: 'p',
  incoming,
  rejected
})

describe('a deadline', () => {
  it('tells the function the sooner of its own and the one handed in', async () => {
    const clock = manualClock()
    clock.advance(1_000)
    const p = policy('p', [deadline(200)], { clock })
    const told = (handedIn?: number) => p.run(context => context.deadline, { deadline: handedIn })
    assert.deepEqual([await told(), await told(1_100), await told(5_000)], [1_200, 1_100, 1_200])
  })

  it('ends what is inside at that instant, and says whose it was', async () => {
    const clock = manualClock()
    const p = policy('p', [deadline(200)], { clock })
    const own = assert.rejects(p.run(hang), exceeded(false, false))
    const incoming = assert.rejects(p.run(hang, { deadline: 150 }), exceeded(true, false))
    await clock.flow(150)
    await incoming
    assert.equal(p.snapshot().deadlines, 1)
    await clock.flow(50)
    await own
  })

  it('holds in a policy without the part, and inside its leading fallback', async () => {
    const clock = manualClock()
    const bare = policy('p', [], { clock })
    const falling = policy('p', [fallback('unknown'), timeout(1_000)], { clock })
    const answers = [
      assert.rejects(bare.run(hang, { deadline: 100 }), exceeded(true, false)),
      falling.run(hang, { deadline: 100 }).then(value => assert.equal(value, 'unknown'))
    ]
    await clock.flow(100)
    await Promise.all(answers)
  })

  it('begins nothing that cannot end', async () => {
    const clock = manualClock()
    clock.advance(100)
    const p = policy('p', [deadline(500, { leastMs: 20 })], { clock })
    for (const late of [50, 100, 119]) {
      await assert.rejects(
        p.run(() => assert.fail('begun'), { deadline: late }),
        exceeded(true, true)
      )
    }
    assert.equal(await p.run(() => 'begun', { deadline: 120 }), 'begun')
    const { invocations, rejected } = p.snapshot()
    assert.deepEqual({ invocations, rejected }, { invocations: 1, rejected: 3 })
  })

  it('does not wait for a retry that it would outlast, and fails with the error that there was', async () => {
    const clock = manualClock()
    const p = policy('p', [deadline(100), retry({ idempotent: true, baseMs: 300 })], { clock, random: () => 0.5 })
    const answer = assert.rejects(
      p.run(() => Promise.reject(new Error('down'))),
      /^Error: down$/
    )
    await clock.flow(0)
    await answer
    assert.equal(clock.now(), 0)
  })

  it('ends a wait in a queue', async () => {
    const clock = manualClock()
    const p = policy('p', [deadline(100), bulkhead({ concurrency: 1, queue: 5 })], { clock })
    const first = p.run(hang).catch(() => {})
    const second = assert.rejects(p.run(hang), exceeded(false, true))
    await clock.flow(100)
    await Promise.all([first, second])
    assert.equal(p.snapshot().bulkhead!.queued, 0)
  })

  it('sums up over nested policies: the inner one is never given more than is left', async () => {
    const clock = manualClock()
    const inner = policy('inner', [deadline(1_000)], { clock })
    const outer = policy('p', [deadline(300)], { clock })
    const seen: number[] = []
    const answer = assert.rejects(
      outer.run(async context => {
        await new Promise<void>(resolve => clock.setTimer(resolve, 100))
        return inner.run(
          ({ deadline }) => {
            seen.push(deadline - clock.now())
            return hang()
          },
          { deadline: context.deadline, signal: context.signal }
        )
      }),
      exceeded(false, false)
    )
    await clock.flow(300)
    await answer
    assert.deepEqual(seen, [200])
  })
})

describe('the deadline header', () => {
  it('carries the whole milliseconds that are left', () => {
    const clock = manualClock()
    clock.advance(1_000)
    assert.equal(formatDeadlineHeader(1_250.7, clock), '250')
    assert.equal(formatDeadlineHeader(900, clock), '0')
    assert.equal(formatDeadlineHeader(Infinity, clock), null)
    assert.equal(parseDeadlineHeader('250', clock), 1_250)
    assert.equal(parseDeadlineHeader(' 0 ', clock), 1_000)
  })

  it('takes nonsense for none, and more than an hour for an hour', () => {
    const clock = manualClock()
    for (const bad of [undefined, null, '', '-5', '1.5', 'soon', '1e3', '2026-01-01T00:00:00Z']) {
      assert.equal(parseDeadlineHeader(bad, clock), null, String(bad))
    }
    assert.equal(parseDeadlineHeader('999999999999999', clock), 3_600_000)
  })
})
