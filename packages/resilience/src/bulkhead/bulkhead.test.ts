import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { manualClock } from '../manual-clock.ts'
import { policy } from '../policy.ts'
import { timeout } from '../timeout.ts'
import { bulkhead } from './bulkhead.ts'
import type { BulkheadOptions } from './settings.ts'

const full = (reason: string) => ({
  name: 'BulkheadFullError',
  code: 'RESILIENCE_BULKHEAD_FULL',
  policy: 'p',
  rejected: true,
  reason
})

const setUp = (options: BulkheadOptions) => {
  const clock = manualClock()
  const p = policy('p', [bulkhead(options)], { clock })
  const begun: string[] = []
  const gates = new Map<string, PromiseWithResolvers<string>>()
  const call = (name: string, signal?: AbortSignal) => {
    const gate = Promise.withResolvers<string>()
    gates.set(name, gate)
    return p.run(
      () => {
        begun.push(name)
        return gate.promise
      },
      { signal }
    )
  }
  const end = (name: string) => gates.get(name)!.resolve(name)
  const counts = () => {
    const { running, queued } = p.snapshot().bulkhead!
    return [running, queued]
  }
  return { clock, p, begun, call, end, counts }
}

describe('a bulkhead', () => {
  it('runs so many, queues so many and refuses the rest', async () => {
    const { clock, begun, call, end, counts } = setUp({ concurrency: 2, queue: 1 })
    const calls = [call('a'), call('b'), call('c')]
    await assert.rejects(call('d'), full('full'))
    assert.deepEqual(
      [begun, counts()],
      [
        ['a', 'b'],
        [2, 1]
      ]
    )
    end('b')
    await clock.flow(0)
    assert.deepEqual(begun, ['a', 'b', 'c'])
    end('a')
    end('c')
    assert.deepEqual(await Promise.all(calls), ['a', 'b', 'c'])
    assert.deepEqual(counts(), [0, 0])
  })

  it('serves in order, and a newcomer in the same microtask takes nobody’s place (cockatiel)', async () => {
    const { clock, begun, call, end } = setUp({ concurrency: 1, queue: 10 })
    const a = call('a').then(() => call('newcomer'))
    const others = ['b', 'c'].map(name => call(name))
    for (const name of ['a', 'b', 'c', 'newcomer']) {
      end(name)
      await clock.flow(0)
      if (name === 'a') end('newcomer')
    }
    end('newcomer')
    await Promise.all([a, ...others])
    assert.deepEqual(begun, ['a', 'b', 'c', 'newcomer'])
  })

  it('holds the slot of a timed-out call until its function has ended, wherever the timeout stands (opossum)', async () => {
    for (const order of ['inside', 'outside']) {
      const clock = manualClock()
      const [room, limit] = [bulkhead({ concurrency: 1 }), timeout(50)]
      const p = policy('p', order === 'inside' ? [room, limit] : [limit, room], { clock })
      const work = Promise.withResolvers<void>()
      const call = assert.rejects(
        p.run(() => work.promise),
        { code: 'RESILIENCE_TIMEOUT' }
      )
      await clock.flow(50)
      await call
      assert.equal(p.snapshot().bulkhead!.running, 1, order)
      await assert.rejects(
        p.run(() => 1),
        full('full')
      )
      work.resolve()
      await clock.flow(0)
      assert.equal(p.snapshot().bulkhead!.running, 0, order)
      assert.equal(await p.run(() => 1), 1)
    }
  })

  it('frees the place of a waiter who leaves, at once', async () => {
    const { clock, begun, call, end, counts } = setUp({ concurrency: 1, queue: 2 })
    const leaver = new AbortController()
    const a = call('a')
    const b = assert.rejects(call('b', leaver.signal), { name: 'AbortError' })
    const c = call('c')
    await assert.rejects(call('d'), full('full'))
    leaver.abort()
    assert.deepEqual(counts(), [1, 1])
    const e = call('e')
    await b
    for (const name of ['a', 'c', 'e']) {
      end(name)
      await clock.flow(0)
    }
    await Promise.all([a, c, e])
    assert.deepEqual(begun, ['a', 'c', 'e'])
  })

  it('lets nobody wait for longer than its queue timeout', async () => {
    const { clock, begun, call, counts } = setUp({ concurrency: 1, queue: 5, queueTimeoutMs: 100 })
    call('a').catch(() => {})
    const b = assert.rejects(call('b'), full('queue-timeout'))
    await clock.flow(60)
    const c = assert.rejects(call('c'), full('queue-timeout'))
    await clock.flow(40)
    await b
    assert.deepEqual(counts(), [1, 1])
    await clock.flow(60)
    await c
    assert.deepEqual([begun, counts(), clock.pending], [['a'], [1, 0], 0])
  })

  it('lets in ten thousand waiters that end at once without running out of stack', async () => {
    const { clock, p, call, end } = setUp({ concurrency: 1, queue: 10_000 })
    const first = call('first')
    const rest = Array.from({ length: 10_000 }, (_, i) => p.run(() => i))
    end('first')
    await clock.flow(0)
    assert.equal(await first, 'first')
    assert.equal((await Promise.all(rest)).at(-1), 9_999)
  })

  it('keeps its order when a call begins another from inside', async () => {
    const { clock, p, call, end } = setUp({ concurrency: 1, queue: 3 })
    const order: string[] = []
    const first = call('first')
    let nested: Promise<unknown> = Promise.resolve()
    const second = p.run(() => {
      order.push('second')
      nested = p.run(() => order.push('nested'))
    })
    const third = p.run(() => order.push('third'))
    end('first')
    await clock.flow(0)
    await Promise.all([first, second, third, nested])
    assert.deepEqual(order, ['second', 'third', 'nested'])
  })

  it('gives the slot back when the function throws before it has returned', async () => {
    const { p, counts } = setUp({ concurrency: 1 })
    for (let i = 0; i < 3; i++) {
      await assert.rejects(
        p.run(() => {
          throw new Error('early')
        }),
        /early/
      )
    }
    assert.deepEqual(counts(), [0, 0])
  })

  it('refuses settings that make no sense', () => {
    for (const bad of [{ concurrency: 0 }, { concurrency: 1.5 }, { concurrency: 1, queue: -1 }]) {
      assert.throws(() => bulkhead(bad), RangeError)
    }
  })
})
