import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fallback } from '../fallback.ts'
import { manualClock } from '../manual-clock.ts'
import { type Policy, policy } from '../policy.ts'
import type { Priority } from '../priority.ts'
import { bulkhead } from './bulkhead.ts'
import type { BulkheadOptions } from './settings.ts'

const setUp = (options: BulkheadOptions) => {
  const clock = manualClock()
  const p = policy('p', [bulkhead(options)], { clock })
  const events: string[] = []
  p.on(event => event.type === 'bulkhead.rejected' && events.push(event.reason))
  const gates = new Map<string, PromiseWithResolvers<string>>()
  const begun: string[] = []
  const refused: string[] = []
  const call = (name: string, priority?: Priority, key?: string, signal?: AbortSignal) => {
    const gate = Promise.withResolvers<string>()
    gates.set(name, gate)
    const work = () => {
      begun.push(name)
      return gate.promise
    }
    p.run(work, { priority, key, signal }).catch(error => refused.push(`${name}: ${error.reason ?? error.name}`))
  }
  const end = async (...names: string[]) => {
    for (const name of names) {
      gates.get(name)!.resolve(name)
      await clock.flow(0)
    }
  }
  return { clock, p, begun, refused, events, call, end }
}

describe('a bulkhead with priorities', () => {
  it('serves critical before normal before sheddable, each in the order of coming', async () => {
    const { begun, call, end } = setUp({ concurrency: 1, queue: 6 })
    call('a')
    for (const name of ['s1', 's2']) call(name, 'sheddable')
    for (const name of ['n1', 'n2']) call(name)
    for (const name of ['c1', 'c2']) call(name, 'critical')
    await end('a', 'c1', 'c2', 'n1', 'n2', 's1', 's2')
    assert.deepEqual(begun, ['a', 'c1', 'c2', 'n1', 'n2', 's1', 's2'])
  })

  it('gives the place of the newest of the lowest class to one of a higher class, and of no equal', async () => {
    const { begun, refused, events, call, end, clock } = setUp({ concurrency: 1, queue: 3 })
    call('a')
    call('n1')
    call('s1', 'sheddable')
    call('s2', 'sheddable')
    call('s3', 'sheddable')
    call('n2')
    call('c1', 'critical')
    call('n3')
    call('c2', 'critical')
    await clock.flow(0)
    assert.deepEqual(refused, ['s3: full', 's2: displaced', 's1: displaced', 'n3: full', 'n2: displaced'])
    assert.deepEqual(events, ['full', 'displaced', 'displaced', 'full', 'displaced'])
    await end('a', 'c1', 'c2', 'n1')
    assert.deepEqual(begun, ['a', 'c1', 'c2', 'n1'])
  })

  it('never takes a slot from one that has it', async () => {
    const { begun, refused, call, clock } = setUp({ concurrency: 1 })
    call('s', 'sheddable')
    call('c', 'critical')
    await clock.flow(0)
    assert.deepEqual([begun, refused], [['s'], ['c: full']])
  })

  it('leaves no gap when the displaced one calls again from its own fallback', async () => {
    const clock = manualClock()
    const order: string[] = []
    const note = (name: string) => () => void order.push(name)
    let fallen = 0
    const again = () => (fallen++ === 0 ? p.run(note('again'), { priority: 'critical' }) : null)
    const parts = [fallback(again), bulkhead({ concurrency: 1, queue: 2 })]
    const p: Policy<unknown> = policy('p', parts, { clock })
    const gate = Promise.withResolvers<void>()
    void p.run(() => gate.promise)
    void p.run(note('normal'))
    void p.run(note('sheddable'), { priority: 'sheddable' })
    void p.run(note('critical'), { priority: 'critical' })
    gate.resolve()
    await clock.flow(0)
    assert.deepEqual(order, ['critical', 'again'])
  })

  it('takes an unknown word for normal', async () => {
    const { begun, call, end } = setUp({ concurrency: 1, queue: 3 })
    call('a')
    call('odd', 'highest' as Priority)
    call('n')
    call('c', 'critical')
    await end('a', 'c', 'odd', 'n')
    assert.deepEqual(begun, ['a', 'c', 'odd', 'n'])
  })
})

describe('a bulkhead with limits per key', () => {
  it('lets no key have more than its slots, however many are free', async () => {
    const { begun, p, call, end } = setUp({ concurrency: 4, queue: 4, perKey: { concurrency: 2 } })
    for (const name of ['a1', 'a2', 'a3']) call(name, 'normal', 'a')
    call('b1', 'normal', 'b')
    assert.deepEqual(begun, ['a1', 'a2', 'b1'])
    assert.deepEqual(p.snapshot().bulkhead, { running: 3, queued: 1, concurrency: 4, keys: 2 })
    await end('b1')
    assert.deepEqual(begun, ['a1', 'a2', 'b1'])
    await end('a1')
    assert.deepEqual(begun, ['a1', 'a2', 'b1', 'a3'])
    await end('a2', 'a3')
    assert.deepEqual(p.snapshot().bulkhead, { running: 0, queued: 0, concurrency: 4, keys: 0 })
  })

  it('passes by who may not begin yet, and keeps the order of the others', async () => {
    const { begun, call, end } = setUp({ concurrency: 2, queue: 4, perKey: { concurrency: 1, queue: 2 } })
    call('a1', 'normal', 'a')
    call('b1', 'normal', 'b')
    call('a2', 'critical', 'a')
    call('c1', 'normal', 'c')
    call('none')
    await end('b1', 'c1', 'none', 'a1', 'a2')
    assert.deepEqual(begun, ['a1', 'b1', 'c1', 'none', 'a2'])
  })

  it('lets no key have more than its waiting places, and displaces within it', async () => {
    const { refused, call, clock } = setUp({ concurrency: 4, queue: 10, perKey: { concurrency: 1 } })
    call('a1', 'normal', 'a')
    for (const name of ['a2', 'a3', 'a4', 'a5']) call(name, 'sheddable', 'a')
    call('b1', 'normal', 'b')
    call('b2', 'sheddable', 'b')
    call('a6', 'critical', 'a')
    await clock.flow(0)
    assert.deepEqual(refused, ['a5: key-full', 'a4: displaced'])
  })

  it('refuses settings that make no sense', () => {
    const one = { concurrency: 2, queue: 2 }
    for (const perKey of [{ concurrency: 0 }, { concurrency: 3 }, { concurrency: 1, queue: -1 }]) {
      assert.throws(() => bulkhead({ ...one, perKey }), RangeError)
    }
  })

  it('says so', () => {
    assert.equal(
      bulkhead({ concurrency: 20, queue: 50, perKey: { concurrency: 5 } }).explain(),
      'bulkhead: 20 run at once, 50 more wait, first come first served, and the rest are refused; of one key 5 run and 13 wait at most'
    )
  })
})
