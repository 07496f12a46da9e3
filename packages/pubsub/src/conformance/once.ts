import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Handler } from '../consumer/settings.ts'
import { FencedError } from '../errors.ts'
import { type Bench, inOrder, numbered, record, until } from './under-test.ts'

export function onceCases(bench: () => Bench): void {
  it('handles a message that is published twice once', async () => {
    const topic = bench().topic()
    await bench().collect(topic, 'g')
    const message = { id: 'm', key: 'k', type: 'a', data: { n: 0 } }
    await bench().pubsub.publish(topic, [message, message])
    await bench().pubsub.publish(topic, message)
    await bench().pubsub.publish(topic, { ...message, id: 'last', data: { n: 1 } })
    assert.deepEqual(
      (await bench().done(topic, 'g', 2)).map(({ id }) => id),
      ['m', 'last']
    )
  })

  it('handles it once when it is published again after it was handled', async () => {
    const topic = bench().topic()
    await bench().collect(topic, 'g')
    const message = { id: 'm', key: 'k', type: 'a', data: { n: 0 } }
    await bench().pubsub.publish(topic, message)
    await bench().done(topic, 'g', 1)
    await bench().pubsub.publish(topic, message)
    await bench().pubsub.publish(topic, { ...message, id: 'last' })
    assert.deepEqual(
      (await bench().done(topic, 'g', 2)).map(({ id }) => id),
      ['m', 'last']
    )
  })

  it('handles each once whose handler makes no statement, also while the store does not know the last ones yet', async () => {
    const topic = bench().topic()
    const told: string[] = []
    const subscription = await bench().subscribe(topic, 'g', async ({ id }) => void told.push(id), {
      batch: 3,
      prefetch: 20
    })
    const messages = numbered(40, ['a', 'b', 'c'])
    await bench().pubsub.publish(topic, [...messages, ...messages.slice(5)])
    for (let again = 0; again < 3; again++) await bench().pubsub.publish(topic, messages.slice(again * 7))
    await bench().pubsub.publish(topic, numbered(3, ['a', 'b', 'c'], 20))
    await until(
      () => `43 handled, of which there are ${subscription.state.handled}`,
      () => subscription.state.handled >= 43
    )
    await subscription.drain()
    assert.deepEqual(told.toSorted(), [...messages, ...numbered(3, ['a', 'b', 'c'], 20)].map(({ id }) => id).toSorted())
    for (const key of ['a', 'b', 'c']) {
      const own = told.filter(id => id.startsWith(key)).map(id => Number(id.slice(2)))
      assert.deepEqual(
        own,
        own.toSorted((one, other) => one - other),
        `key ${key} in order`
      )
    }
  })

  it('looks again for what was handled when a handler without a statement failed', async () => {
    const topic = bench().topic()
    const told: string[] = []
    const handler: Handler = async ({ id }, { attempt }) => {
      told.push(id)
      if (id === 'k-3' && attempt === 1) throw new Error('not yet')
    }
    await bench().subscribe(topic, 'g', handler, { batch: 1, prefetch: 20 })
    await bench().pubsub.publish(topic, numbered(8, ['k']))
    await until('the last', () => told.includes('k-7'))
    await bench().pubsub.publish(topic, numbered(9, ['k']))
    await until('another', () => told.includes('k-8'))
    // The failed one was tried alone, and what came behind it in its key waited for it.
    assert.deepEqual(told, ['k-0', 'k-1', 'k-2', 'k-3', 'k-3', 'k-4', 'k-5', 'k-6', 'k-7', 'k-8'])
  })

  it('keeps the change of one of two partitions that handle one id at the same time', async () => {
    const topic = bench().topic()
    const { pubsub, broker } = bench()
    // A broker that drops a repeated id may never give the second one.
    const isGivenTwice = broker.capabilities.dedupeWindowMs === 0
    const both = Promise.withResolvers<void>()
    let begun = 0
    await bench().collect(topic, 'g', {
      before: async ({ id }) => {
        if (id !== 'm' || !isGivenTwice) return
        if (++begun === 2) both.resolve()
        await both.promise
      }
    })
    const messages = ['a', 'b'].map(key => ({ key, type: 'a', data: { n: 0 } }))
    await pubsub.publish(
      topic,
      messages.map(message => ({ ...message, id: 'm' }))
    )
    await pubsub.publish(
      topic,
      messages.map(message => ({ ...message, id: `last-${message.key}` }))
    )
    const effects = await bench().done(topic, 'g', 3)
    assert.deepEqual(effects.map(({ id }) => id).toSorted(), ['last-a', 'last-b', 'm'])
  })

  it('undoes the change of a handler that fails, and keeps that of the try that succeeds', async () => {
    const topic = bench().topic()
    await bench().subscribe(topic, 'g', async (message, context) => {
      await record(`${topic}/g`, message, context)
      if (context.attempt < 3) throw new Error('not yet')
    })
    await bench().pubsub.publish(topic, { id: 'm', key: 'k', type: 'a', data: { n: 7 } })
    const effects = await bench().done(topic, 'g', 1)
    assert.deepEqual(effects, [{ id: 'm', key: 'k', n: 7, attempt: 3 }])
  })

  it('handles a batch in one transaction, and one by one when one of it fails', async () => {
    const topic = bench().topic()
    const subscription = await bench().collect(topic, 'g', {
      batch: 50,
      maxAttempts: 1,
      before: async ({ id }) => {
        if (id === 'b-5') throw new Error('poison')
      }
    })
    await bench().pubsub.publish(topic, numbered(40, ['a', 'b']))
    const effects = await bench().done(topic, 'g', 25)
    await until('one dead letter', async () => (await subscription.deadLetters.list()).length === 1)
    assert.deepEqual(
      effects.filter(({ key }) => key === 'b').map(({ n }) => n),
      [0, 1, 2, 3, 4]
    )
    assert.equal(effects.filter(({ key }) => key === 'a').length, 20)
    inOrder(effects)
  })

  it('a message of the same id in another batch, partition state kept, is known after a restart', async () => {
    const topic = bench().topic()
    const first = await bench().collect(topic, 'g')
    await bench().pubsub.publish(topic, numbered(12, ['a', 'b', 'c']))
    await bench().done(topic, 'g', 12)
    await first.drain()
    await bench().pubsub.publish(topic, numbered(12, ['a', 'b', 'c']))
    await bench().pubsub.publish(topic, numbered(3, ['a', 'b', 'c'], 4))
    await bench().collect(topic, 'g')
    const effects = await bench().done(topic, 'g', 15)
    assert.equal(effects.length, 15)
    inOrder(effects)
  })

  it('does not let a consumer commit that lost its partition', async () => {
    const topic = bench().topic()
    const { database } = bench().under
    const lost: number[] = []
    let stolen = false
    let tries = 0
    // Between its handler and its commit another consumer takes over: the lease row says so when it comes to that.
    await bench().subscribe(
      topic,
      'g',
      async (message, context) => {
        tries++
        await record(`${topic}/g`, message, context)
        if (stolen) return
        stolen = true
        const steal = `update pubsub.partitions set fence = fence + 1, owner = null where topic = $1 and grp = 'g'`
        // An embedded database has one connection: there it is done in the transaction itself, and undone with it.
        if (context.tx.engine === 'pglite') await context.tx.query(steal, [topic])
        else await database.query(steal, [topic])
      },
      { onEvent: event => void (event.kind === 'lost' && lost.push(event.partition)) }
    )
    await bench().pubsub.publish(topic, { id: 'm', key: 'k', type: 'a', data: { n: 0 } })
    const effects = await bench().done(topic, 'g', 1)
    await until('a second try', () => tries === 2)
    assert.equal(effects.length, 1)
    assert.equal(lost.length >= 1, true)
    assert.equal(new FencedError(0, 1).code, 'PUBSUB_FENCED')
  })

  it('says which ids it forgets, and forgets no others', async () => {
    const topic = bench().topic()
    await bench().collect(topic, 'g')
    await bench().pubsub.publish(topic, numbered(5, ['a']))
    await bench().done(topic, 'g', 5)
    assert.equal(await bench().pubsub.sweep({ before: Date.now() - 3_600_000, limit: 10 }), 0)
  })

  it('is part of the publisher’s transaction, where its table says so', async () => {
    const topic = bench().topic()
    const { pubsub, broker, under } = bench()
    const message = { id: 'm', key: 'k', type: 'a', data: { n: 0 } }
    if (!broker.capabilities.transactional) {
      await under.database.transaction(async tx => {
        await assert.rejects(pubsub.publish(topic, message, { tx }), { code: 'PUBSUB_UNSUPPORTED' })
      })
      return
    }
    await bench().collect(topic, 'g')
    await assert.rejects(
      under.database.transaction(async tx => {
        await pubsub.publish(topic, { ...message, id: 'undone' }, { tx })
        throw new Error('undo')
      }),
      /undo/
    )
    await under.database.transaction(async tx => void (await pubsub.publish(topic, message, { tx })))
    assert.deepEqual(
      (await bench().done(topic, 'g', 1)).map(({ id }) => id),
      ['m']
    )
  })

  it('drops a repeated id in the broker itself for as long as its table says', async () => {
    const topic = bench().topic()
    const { pubsub, broker } = bench()
    await broker.topic(topic)
    await broker.group(topic, 'raw')
    const message = { id: 'same', key: 'k', type: 'a', data: 1 }
    await pubsub.publish(topic, message)
    await pubsub.publish(topic, message)
    await pubsub.publish(topic, { ...message, id: 'last' })
    const ids = await rawIds(bench(), topic, 'last')
    const expected = broker.capabilities.dedupeWindowMs === 0 ? ['same', 'same', 'last'] : ['same', 'last']
    assert.deepEqual(ids, expected)
  })
}

/** What a source gives, without the inbox, up to a message of this id. */
async function rawIds({ broker }: Bench, topic: string, last: string): Promise<string[]> {
  const stop = new AbortController()
  const partitions = await broker.topic(topic)
  const ids: string[] = []
  await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const source = await broker.open({ topic, group: 'raw', partition }, { after: null, prefetch: 10 })
      while (!stop.signal.aborted) {
        const deliveries = await source.next(10, stop.signal)
        ids.push(...deliveries.map(({ envelope }) => envelope.id))
        await source.ack(deliveries)
        if (ids.includes(last)) stop.abort()
      }
      await source.close()
    })
  )
  return ids
}
