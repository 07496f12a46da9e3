import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Capabilities } from '../capabilities.ts'
import { type Bench, inOrder, numbered, until } from './under-test.ts'

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

export function groupCases(bench: () => Bench, { history }: Capabilities): void {
  it('gives each group every message', async () => {
    const topic = bench().topic()
    await bench().collect(topic, 'one')
    await bench().collect(topic, 'two')
    await bench().collect(topic, 'three')
    await bench().pubsub.publish(topic, numbered(40, keys))
    for (const group of ['one', 'two', 'three']) {
      const effects = await bench().done(topic, group, 40)
      assert.equal(effects.length, 40)
      inOrder(effects)
    }
  })

  it('gives each message to one member of a group', async () => {
    const topic = bench().topic()
    const first = await bench().collect(topic, 'g', { leaseMs: 300 })
    const second = await bench().collect(topic, 'g', { leaseMs: 300 })
    await until('a fair share', () => first.state.partitions.length === 2 || second.state.partitions.length === 2)
    await bench().pubsub.publish(topic, numbered(80, keys))
    const effects = await bench().done(topic, 'g', 80)
    assert.equal(new Set(effects.map(({ id }) => id)).size, 80)
    inOrder(effects)
  })

  it('shares the partitions fairly as members come and go', async () => {
    const topic = bench().topic()
    const options = { leaseMs: 300 }
    const first = await bench().collect(topic, 'g', options)
    assert.deepEqual(first.state.partitions, [0, 1, 2, 3])
    const second = await bench().collect(topic, 'g', options)
    await until('two and two, none of them twice', () => {
      const [mine, theirs] = [first.state.partitions, second.state.partitions]
      return mine.length === 2 && theirs.length === 2 && new Set([...mine, ...theirs]).size === 4
    })
    await first.drain()
    await until('all four', () => second.state.partitions.length === 4)
  })

  it('keeps the order per key while members come and go', async () => {
    const topic = bench().topic()
    const options = { leaseMs: 300 }
    const first = await bench().collect(topic, 'g', options)
    for (let round = 0; round < 3; round++) await bench().pubsub.publish(topic, numbered(32, keys, round * 4))
    const second = await bench().collect(topic, 'g', options)
    for (let round = 3; round < 6; round++) await bench().pubsub.publish(topic, numbered(32, keys, round * 4))
    await first.drain()
    await bench().collect(topic, 'g', options)
    for (let round = 6; round < 9; round++) await bench().pubsub.publish(topic, numbered(32, keys, round * 4))
    await second.drain()
    const effects = await bench().done(topic, 'g', 288)
    assert.equal(effects.length, 288)
    inOrder(effects)
  })

  it('keeps two topics apart', async () => {
    const [one, two] = [bench().topic(), bench().topic()]
    await bench().collect(one, 'g')
    await bench().collect(two, 'g')
    await bench().pubsub.publish(one, { id: 'same', type: 'a', data: { n: 1 } })
    await bench().pubsub.publish(two, { id: 'same', type: 'a', data: { n: 2 } })
    assert.deepEqual(
      (await bench().done(one, 'g', 1)).map(({ n }) => n),
      [1]
    )
    assert.deepEqual(
      (await bench().done(two, 'g', 1)).map(({ n }) => n),
      [2]
    )
  })

  if (history) historyCases(bench)
  else {
    it('gives a group what is published after it was there, and nothing of before', async () => {
      const topic = bench().topic()
      await bench().pubsub.publish(topic, numbered(16, keys))
      await bench().collect(topic, 'late')
      await bench().pubsub.publish(topic, numbered(16, keys, 2))
      inOrder(await bench().done(topic, 'late', 16), 2)
    })
  }

  it('a slow group does not hold up another', async () => {
    const topic = bench().topic()
    const held = Promise.withResolvers<void>()
    await bench().subscribe(topic, 'slow', async (_message, { tx }) => {
      // Nothing of the database is held while it waits, but its transaction.
      if (tx.engine === 'postgres') await held.promise
      else throw new Error('always')
    })
    await bench().collect(topic, 'fast')
    await bench().pubsub.publish(topic, numbered(40, keys))
    assert.equal((await bench().done(topic, 'fast', 40)).length, 40)
    held.resolve()
  })

  it('publishes many at once and keeps the order of each key', async () => {
    const topic = bench().topic()
    await bench().collect(topic, 'g', { batch: 100 })
    await bench().pubsub.publish(topic, numbered(1_000, keys))
    const effects = await bench().done(topic, 'g', 1_000)
    assert.equal(effects.length, 1_000)
    inOrder(effects)
  })

  it('keeps the order of one publisher that does not wait in between', async () => {
    const topic = bench().topic()
    await bench().collect(topic, 'g', { batch: 20 })
    const messages = numbered(160, keys)
    const calls: Promise<unknown>[] = []
    // Of one, of several partitions, and of others again.
    for (let from = 0, size = 1; from < messages.length; from += size, size = (size % 11) + 1) {
      calls.push(bench().pubsub.publish(topic, messages.slice(from, from + size)))
    }
    await Promise.all(calls)
    inOrder(await bench().done(topic, 'g', 160))
  })

  it('gives a topic the same number of partitions to all', async () => {
    const topic = bench().topic()
    const other = await bench().under.connect(bench().under.database)
    const [mine, theirs] = await Promise.all([bench().broker.topic(topic), other.topic(topic)])
    assert.equal(mine, 4)
    assert.equal(theirs, 4)
    await other.close()
  })
}

function historyCases(bench: () => Bench): void {
  it('lets a group that begins later read the past', async () => {
    const topic = bench().topic()
    await bench().pubsub.publish(topic, numbered(20, keys))
    await bench().collect(topic, 'late')
    inOrder(await bench().done(topic, 'late', 20))
  })

  it('lets a new group begin at the end', async () => {
    const topic = bench().topic()
    await bench().pubsub.publish(topic, numbered(16, keys))
    await bench().collect(topic, 'g', { from: 'end' })
    await bench().pubsub.publish(topic, numbered(16, keys, 2))
    inOrder(await bench().done(topic, 'g', 16), 2)
  })
}
