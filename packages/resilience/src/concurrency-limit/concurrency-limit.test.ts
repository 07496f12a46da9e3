import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RunOptions } from '../answer.ts'
import { breaker } from '../breaker/breaker.ts'
import { bulkhead } from '../bulkhead/bulkhead.ts'
import { deadline } from '../deadline.ts'
import { manualClock } from '../manual-clock.ts'
import type { Part } from '../part.ts'
import { policy } from '../policy.ts'
import { timeout } from '../timeout.ts'
import { type ConcurrencyLimitOptions, concurrencyLimit } from './concurrency-limit.ts'

const four = { initialLimit: 4, minLimit: 4, maxLimit: 4 }

const setUp = (options: ConcurrencyLimitOptions, inside: readonly Part<unknown>[] = []) => {
  const clock = manualClock()
  const p = policy('p', [concurrencyLimit(options), ...inside], { clock, random: () => 0.5 })
  const begun: string[] = []
  const ended: string[] = []
  const gates = new Map<string, PromiseWithResolvers<string>>()
  const call = (name: string, options: RunOptions = {}) => {
    const gate = Promise.withResolvers<string>()
    gates.set(name, gate)
    const work = () => {
      begun.push(name)
      return gate.promise
    }
    p.outcome(work, options).then(({ kind }) => ended.push(`${name}: ${kind}`))
  }
  const end = async (...names: string[]) => {
    for (const name of names) {
      gates.get(name)!.resolve(name)
      await clock.flow(0)
    }
  }
  const fill = (n: number) => {
    for (let i = 0; i < n; i++) call(`full${i}`, { priority: 'critical' })
  }
  const counts = () => {
    const { running, queued } = p.snapshot().concurrencyLimit!
    return [running, queued]
  }
  return { clock, p, begun, ended, call, end, fill, counts }
}

describe('a concurrency limit', () => {
  it('refuses at once what is too much, the lower classes first', async () => {
    const { p, ended, call, fill, counts, clock } = setUp(four)
    const events: unknown[] = []
    p.on(({ at: _, policy: __, ...event }) => events.push(event))
    fill(2)
    call('s', { priority: 'sheddable' })
    call('n')
    call('n2')
    call('c', { priority: 'critical' })
    await clock.flow(0)
    const refused = await p.outcome(() => 1, { priority: 'critical' })
    assert.ok(refused.kind === 'rejected' && refused.by === 'concurrency-limit' && refused.retryAfterMs === 100)
    assert.deepEqual(
      [refused.error.name, refused.error.code, refused.error.message],
      [
        'ConcurrencyLimitedError',
        'RESILIENCE_OVERLOADED',
        'p: no room for a critical call at a limit of 4 at once; try again in 100 ms'
      ]
    )
    assert.deepEqual(
      [ended, counts()],
      [
        ['s: rejected', 'n2: rejected'],
        [4, 0]
      ]
    )
    assert.equal(p.snapshot().concurrencyLimitRejections, 3)
    assert.deepEqual(events[0], {
      type: 'concurrency-limit.rejected',
      priority: 'sheddable',
      reason: 'full',
      limit: 4,
      retryAfterMs: 100
    })
  })

  it('holds the place of a timed-out call until its function has ended, wherever the timeout stands', async () => {
    for (const inside of [true, false]) {
      const clock = manualClock()
      const parts = [concurrencyLimit(four), timeout(50)]
      const p = policy('p', inside ? parts : parts.toReversed(), { clock })
      const gate = Promise.withResolvers<void>()
      const call = p.outcome(() => gate.promise)
      await clock.flow(50)
      assert.equal((await call).kind, 'failed')
      assert.equal(p.snapshot().concurrencyLimit!.running, 1)
      gate.resolve()
      await clock.flow(0)
      assert.equal(p.snapshot().concurrencyLimit!.running, 0)
    }
  })

  it('goes down by timeouts, but not by errors, rejections further in and aborts', async () => {
    const limitAfter = async (inside: Part[], options: () => RunOptions, work: () => Promise<unknown>) => {
      const { p, clock } = setUp({ initialLimit: 20 }, inside)
      for (let i = 0; i < 40; i++) {
        const calls = Array.from({ length: 5 }, () => p.outcome(work, options()))
        await clock.flow(100)
        await Promise.all(calls)
      }
      return p.snapshot().concurrencyLimit!.limit
    }
    const hang = () => new Promise(() => {})
    const none = () => ({})
    assert.equal(await limitAfter([], none, () => Promise.reject(new Error('down'))), 20)
    assert.equal(await limitAfter([bulkhead({ concurrency: 1 })], none, async () => 1), 20)
    assert.equal(await limitAfter([], () => ({ signal: AbortSignal.abort() }), hang), 20)
    const { p, clock } = setUp({ initialLimit: 20 }, [timeout(50)])
    for (let i = 0; i < 200; i++) {
      void p.outcome(() => new Promise<void>(resolve => clock.setTimer(resolve, 60)))
      await clock.flow(10)
    }
    assert.ok(p.snapshot().concurrencyLimit!.limit < 10)
  })

  it('takes other errors for overload when it is told to', async () => {
    const { p, clock } = setUp({ initialLimit: 20, dropsOn: error => (error as { status?: number }).status === 503 })
    const changes: number[] = []
    p.on(event => event.type === 'concurrency-limit.changed' && changes.push(event.to))
    for (let i = 0; i < 40; i++) {
      const calls = Array.from({ length: 15 }, () => p.outcome(() => Promise.reject({ status: 503 })))
      await clock.flow(100)
      await Promise.all(calls)
    }
    assert.equal(p.snapshot().concurrencyLimit!.limit, 4)
    assert.deepEqual([changes[0], changes.at(-1)], [18, 4])
  })

  it('takes a deadline that left a call more time than it may take for a timeout, and a shorter one for nothing', async () => {
    const limitAfter = async (ms: number) => {
      const clock = manualClock()
      const p = policy('p', [deadline(ms), concurrencyLimit({ initialLimit: 20 })], { clock, random: () => 0.5 })
      const wait = (latencyMs: number) => () => new Promise<void>(resolve => clock.setTimer(resolve, latencyMs))
      for (const latencyMs of [20, 500]) {
        for (let i = 0; i < 100; i++) {
          for (let n = 0; n < 15; n++) void p.outcome(wait(latencyMs))
          await clock.flow(25)
        }
      }
      return p.snapshot().concurrencyLimit!.limit
    }
    const [long, short] = [await limitAfter(100), await limitAfter(25)]
    assert.ok(short > 20 && long < 0.75 * short, `${long} and ${short}`)
  })

  it('is nothing to a breaker', async () => {
    const clock = manualClock()
    const p = policy('p', [breaker({ minimumCalls: 1 }), concurrencyLimit(four)], { clock })
    for (let i = 0; i < 4; i++) void p.outcome(() => new Promise(() => {}), { priority: 'critical' })
    for (let i = 0; i < 100; i++) assert.equal((await p.outcome(() => 1)).kind, 'rejected')
    assert.deepEqual([p.breaker!.state, p.snapshot().breaker!.calls], ['closed', 0])
  })

  it('gives back the place of a function that hangs for ever, at its time', async () => {
    const { clock, fill, call, ended, end } = setUp({ ...four, permitTimeoutMs: 1_000 })
    fill(4)
    await clock.flow(1_000)
    call('a')
    await end('a', 'full0')
    assert.deepEqual(ended, ['a: ok', 'full0: ok'])
  })

  it('says what it will do, and refuses settings that make no sense', () => {
    assert.equal(
      concurrencyLimit({ queue: 10, pressure: () => 0 }).explain(),
      'concurrency limit: from 4 to 1000 at once, 20 to begin with, as many as keep calls within 1.5 times what they take ' +
        'at rest; normal calls have 90 % of it and sheddable ones 60 %; 10 more wait for up to 50 ms, and the rest are ' +
        'refused; less under pressure'
    )
    for (const bad of [{ queue: -1 }, { queueTimeoutMs: 0 }]) assert.throws(() => concurrencyLimit(bad), RangeError)
  })
})

describe('the queue of a concurrency limit', () => {
  const queued = { ...four, queue: 3, queueTimeoutMs: 100 }

  it('serves by priority, and first come first served while it is short', async () => {
    const { begun, call, fill, end } = setUp(queued)
    fill(4)
    call('n1')
    call('n2')
    call('c', { priority: 'critical' })
    await end('full0', 'full1', 'full2', 'full3', 'c')
    assert.deepEqual(begun.slice(4), ['c', 'n1', 'n2'])
  })

  it('serves the last come first once someone has been waiting for half of the time: the others are late anyway', async () => {
    const { clock, begun, ended, call, fill, end } = setUp(queued)
    fill(4)
    call('old')
    await clock.flow(60)
    call('new', { priority: 'normal' })
    await end('full0', 'full1')
    assert.deepEqual(begun.slice(4), ['new'])
    await clock.flow(40)
    assert.deepEqual(ended.at(-1), 'old: rejected')
  })

  it('lets one of a higher class displace the one who would be served last', async () => {
    const { clock, ended, counts, call, fill } = setUp(queued)
    fill(4)
    for (const name of ['s1', 's2']) call(name, { priority: 'sheddable' })
    call('n1')
    call('n2')
    call('n3', { priority: 'sheddable' })
    await clock.flow(0)
    assert.deepEqual(
      [ended, counts()],
      [
        ['s2: rejected', 'n3: rejected'],
        [4, 3]
      ]
    )
    await clock.flow(60)
    call('c', { priority: 'critical' })
    call('c2', { priority: 'critical' })
    await clock.flow(0)
    assert.deepEqual(ended.slice(2), ['s1: rejected', 'n1: rejected'])
  })

  it('lets go at once of one who gives up, and of nobody who was let in', async () => {
    const { clock, ended, counts, call, fill, end } = setUp(queued)
    const caller = new AbortController()
    fill(4)
    call('a', { signal: caller.signal })
    call('b')
    caller.abort()
    assert.deepEqual(counts(), [4, 1])
    await end('full0', 'full1')
    await clock.flow(1_000)
    await end('b', 'full2', 'full3')
    assert.deepEqual(ended, ['a: aborted', 'full0: ok', 'full1: ok', 'b: ok', 'full2: ok', 'full3: ok'])
    assert.deepEqual([counts(), clock.pending], [[0, 0], 0])
  })
})
