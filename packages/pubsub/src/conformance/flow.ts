import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Capabilities } from '../capabilities.ts'
import { type Bench, inOrder, numbered, until } from './under-test.ts'

export function flowCases(bench: () => Bench, { lag }: Capabilities): void {
  it('pauses at the end of a step, and resumes where it was', async () => {
    const topic = bench().topic()
    const subscription = await bench().collect(topic, 'g')
    await bench().pubsub.publish(topic, numbered(4, ['a']))
    await bench().done(topic, 'g', 4)
    subscription.pause()
    assert.equal(subscription.state.status, 'paused')
    await bench().pubsub.publish(topic, numbered(4, ['a'], 4))
    if (lag) await until('the broker says so', async () => (await subscription.lag()).messages === 4)
    assert.equal((await bench().effects(topic, 'g')).length, 4)
    subscription.resume()
    inOrder(await bench().done(topic, 'g', 8))
  })

  it('keeps its partitions while paused for longer than a lease', async () => {
    const topic = bench().topic()
    const events: string[] = []
    const subscription = await bench().collect(topic, 'g', {
      leaseMs: 120,
      onEvent: ({ kind }) => void events.push(kind)
    })
    subscription.pause()
    const { database } = bench().under
    const { rows: before } = await database.query<{ until: Date }>(
      'select min(leased_until) as until from pubsub.partitions where topic = $1',
      [topic]
    )
    await until('renewed', async () => {
      const { rows } = await database.query('select from pubsub.partitions where topic = $1 and leased_until <= $2', [
        topic,
        new Date(before[0]!.until.getTime() + 120)
      ])
      return rows.length === 0
    })
    assert.equal(subscription.state.partitions.length, 4)
    subscription.resume()
    await bench().pubsub.publish(topic, numbered(2, ['a']))
    await bench().done(topic, 'g', 2)
  })

  it('drains: ends what is under way, and the next member need not wait for a lease', async () => {
    const topic = bench().topic()
    const first = await bench().collect(topic, 'g', { leaseMs: 3_600_000 })
    await bench().pubsub.publish(topic, numbered(200, ['a', 'b', 'c', 'd']))
    await bench().done(topic, 'g', 10)
    await first.drain()
    assert.equal(first.state.status, 'closed')
    const atDrain = (await bench().effects(topic, 'g')).length
    assert.equal(first.state.handled, atDrain)
    await bench().collect(topic, 'g', { leaseMs: 3_600_000 })
    const effects = await bench().done(topic, 'g', 200)
    assert.equal(effects.length, 200)
    inOrder(effects)
  })

  it('drains while paused, while idle, and twice', async () => {
    const topic = bench().topic()
    const paused = await bench().collect(topic, 'paused')
    paused.pause()
    const idle = await bench().collect(topic, 'idle')
    await Promise.all([paused.drain(), idle.drain(), idle.drain()])
    assert.deepEqual([paused.state.status, idle.state.status], ['closed', 'closed'])
    assert.deepEqual(idle.state.partitions, [])
  })

  it('works on no more partitions at once than it is told', async () => {
    const topic = bench().topic()
    let now = 0
    let most = 0
    await bench().collect(topic, 'g', {
      concurrency: 2,
      before: async () => {
        most = Math.max(most, ++now)
        await new Promise(resolve => setImmediate(resolve))
        now--
      }
    })
    await bench().pubsub.publish(
      topic,
      numbered(
        80,
        Array.from({ length: 16 }, (_, i) => `k${i}`)
      )
    )
    await bench().done(topic, 'g', 80)
    assert.ok(most <= 2, `${most} at once`)
  })

  it('reads on while others publish: misses nothing, and waits for nothing in vain', async () => {
    const topic = bench().topic()
    const faults: unknown[] = []
    const handled: string[] = []
    await bench().subscribe(topic, 'g', async ({ id }) => void handled.push(id), {
      batch: 100,
      onEvent: event => void (event.kind === 'waiting' && faults.push(event.error))
    })
    const keys = ['a', 'b', 'c', 'd', 'e', 'f']
    const publishing = keys.map(async key => {
      for (let n = 0; n < 150; n += 5) await bench().pubsub.publish(topic, numbered(5, [key], n))
    })
    await Promise.all(publishing)
    await until(
      () => `900 handled, of which there are ${handled.length}`,
      () => handled.length >= 900
    )
    for (const key of keys) {
      const own = handled.filter(id => id.startsWith(key))
      assert.deepEqual(
        own,
        numbered(150, [key]).map(({ id }) => id)
      )
    }
    assert.deepEqual(faults, [])
  })

  it('takes no more from the broker than it may keep', async () => {
    const topic = bench().topic()
    const { broker } = bench()
    const partitions = await broker.topic(topic)
    await broker.group(topic, 'raw')
    await bench().pubsub.publish(topic, numbered(60, ['k']))
    const stop = new AbortController()
    const sources = await Promise.all(
      Array.from({ length: partitions }, (_, partition) =>
        broker.open({ topic, group: 'raw', partition }, { after: null, prefetch: 5 })
      )
    )
    const sizes: number[] = []
    await Promise.all(
      sources.map(async source => {
        while (!stop.signal.aborted) {
          const deliveries = await source.next(5, stop.signal)
          sizes.push(deliveries.length)
          await source.ack(deliveries)
          if (deliveries.at(-1)?.envelope.id === 'k-59') stop.abort()
        }
      })
    )
    await Promise.all(sources.map(source => source.close()))
    assert.ok(Math.max(...sizes) <= 5)
    assert.equal(
      sizes.reduce((a, b) => a + b, 0),
      60
    )
  })

  if (lag) lagCase(bench)

  it('counts what is parked in the lag', async () => {
    const topic = bench().topic()
    const subscription = await bench().subscribe(topic, 'g', () => Promise.reject(new Error('no')), { maxAttempts: 1 })
    await bench().pubsub.publish(topic, numbered(5, ['k']))
    await until('parked', async () => (await subscription.lag()).parked.waiting === 4)
    assert.deepEqual((await subscription.lag()).parked, { keys: 1, waiting: 4, retrying: 0, dead: 1 })
    await until('nothing left', async () => (await subscription.lag()).messages === 0)
    assert.equal(subscription.state.parkedKeys, 1)
  })

  it('refuses settings that cannot work', async () => {
    const { pubsub } = bench()
    for (const options of [
      { concurrency: 0 },
      { maxAttempts: 0 },
      { batch: 0 },
      { prefetch: 1, batch: 2 },
      { leaseMs: 1 }
    ]) {
      await assert.rejects(
        pubsub.subscribe('t', 'g', async () => undefined, options),
        RangeError
      )
    }
  })
}

function lagCase(bench: () => Bench): void {
  it('tells the lag in messages and seconds, by group', async () => {
    const topic = bench().topic()
    const behind = await bench().collect(topic, 'behind')
    const level = await bench().collect(topic, 'level')
    assert.deepEqual(await behind.lag(), {
      messages: 0,
      seconds: 0,
      parked: { keys: 0, waiting: 0, retrying: 0, dead: 0 }
    })
    behind.pause()
    await bench().pubsub.publish(topic, numbered(30, ['a', 'b', 'c']))
    await bench().done(topic, 'level', 30)
    await until('level', async () => (await level.lag()).messages === 0)
    await until('thirty behind', async () => (await behind.lag()).messages === 30)
    const first = await behind.lag()
    assert.ok(first.seconds >= 0 && first.seconds < 600, `${first.seconds}`)
    await until('older', async () => (await behind.lag()).seconds > first.seconds)
    behind.resume()
    await bench().done(topic, 'behind', 30)
    await until('caught up', async () => (await behind.lag()).messages === 0)
  })
}
