import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Handler } from '../consumer/settings.ts'
import { PoisonMessageError } from '../errors.ts'
import { type Bench, inOrder, numbered, record, until } from './under-test.ts'

/** Fails for one message, as often as `times` says. */
const failing = (id: string, times: number): Handler => {
  let failed = 0
  return async message => {
    if (message.id === id && failed++ < times) throw new Error(`${id} fails`)
  }
}

export function orderCases(bench: () => Bench): void {
  it('keeps the order of each of many keys', async () => {
    const topic = bench().topic()
    const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`)
    await bench().collect(topic, 'g', { concurrency: 4, batch: 7 })
    await bench().pubsub.publish(topic, numbered(400, keys))
    const effects = await bench().done(topic, 'g', 400)
    assert.equal(effects.length, 400)
    inOrder(effects)
  })

  it('tries a failed message again, and lets nothing of its key overtake it', async () => {
    const topic = bench().topic()
    await bench().collect(topic, 'g', { before: failing('bad-2', 2) })
    await bench().pubsub.publish(topic, numbered(20, ['bad', 'good']))
    const effects = await bench().done(topic, 'g', 20)
    inOrder(effects)
    assert.equal(effects.find(({ id }) => id === 'bad-2')!.attempt, 3)
  })

  it('parks what is behind a poisoned message of its key, while other keys flow', async () => {
    const topic = bench().topic()
    const subscription = await bench().collect(topic, 'g', { before: failing('bad-3', 1_000) })
    await bench().pubsub.publish(topic, numbered(60, ['bad', 'good', 'fine']))
    const effects = await bench().done(topic, 'g', 43)
    await until('all parked', async () => (await subscription.deadLetters.totals()).waiting === 16)
    assert.deepEqual(await subscription.deadLetters.totals(), { keys: 1, waiting: 16, retrying: 0, dead: 1 })
    inOrder(effects)
    assert.equal(effects.filter(({ key }) => key === 'bad').length, 3)
    const [dead] = await subscription.deadLetters.list()
    assert.equal(dead!.id, 'bad-3')
    assert.equal(dead!.attempts, 3)
    assert.equal(dead!.behind, 16)
  })

  it('other keys of the same partition flow while a message waits for its next try', async () => {
    const topic = bench().topic()
    // One partition has at least two of nine keys.
    const keys = Array.from({ length: 9 }, (_, i) => `k${i}`)
    const subscription = await bench().collect(topic, 'g', {
      before: failing('k0-0', 1_000),
      backoff: { firstMs: 3_600_000, maxMs: 3_600_000 }
    })
    await bench().pubsub.publish(topic, numbered(27, keys))
    const effects = await bench().done(topic, 'g', 24)
    inOrder(effects)
    await until('the key is parked', async () => (await subscription.deadLetters.totals()).waiting === 2)
    assert.deepEqual(await subscription.deadLetters.totals(), { keys: 1, waiting: 2, retrying: 1, dead: 0 })
  })

  it('a message without a key blocks no other', async () => {
    const topic = bench().topic()
    const subscription = await bench().collect(topic, 'g', { before: failing('m3', 1_000) })
    const messages = Array.from({ length: 20 }, (_, n) => ({ id: `m${n}`, type: 'a', data: { n } }))
    await bench().pubsub.publish(topic, messages)
    assert.equal((await bench().done(topic, 'g', 19)).length, 19)
    await until('one dead letter', async () => (await subscription.deadLetters.totals()).dead === 1)
    assert.equal((await subscription.deadLetters.list())[0]!.key, null)
  })

  it('ordered: none lets what is behind a failed message overtake it', async () => {
    const topic = bench().topic()
    const subscription = await bench().collect(topic, 'g', { ordered: 'none', before: failing('k-1', 1_000) })
    await bench().pubsub.publish(topic, numbered(10, ['k']))
    const effects = await bench().done(topic, 'g', 9)
    assert.deepEqual(
      effects.map(({ n }) => n),
      [0, 2, 3, 4, 5, 6, 7, 8, 9]
    )
    await until('one dead letter', async () => (await subscription.deadLetters.totals()).dead === 1)
    assert.equal((await subscription.deadLetters.totals()).waiting, 0)
  })

  it('a message that no retry helps is a dead letter at its first failure', async () => {
    const topic = bench().topic()
    let tries = 0
    const subscription = await bench().subscribe(topic, 'g', async () => {
      tries++
      throw new PoisonMessageError('no such order, and there never was')
    })
    await bench().pubsub.publish(topic, { id: 'm', key: 'k', type: 'a', data: 1 })
    await until('one dead letter', async () => (await subscription.deadLetters.totals()).dead === 1)
    assert.equal(tries, 1)
    assert.equal((await subscription.deadLetters.list())[0]!.errorCode, 'PUBSUB_POISON_MESSAGE')
  })

  it('a handler that hangs is late, and the try counts', async () => {
    const topic = bench().topic()
    const reasons: unknown[] = []
    const subscription = await bench().subscribe(
      topic,
      'g',
      async (_message, { signal }) => {
        signal.addEventListener('abort', () => reasons.push((signal.reason as { code: string }).code))
        await new Promise(() => undefined)
      },
      { handlerTimeoutMs: 20, maxAttempts: 2 }
    )
    await bench().pubsub.publish(topic, { id: 'm', key: 'k', type: 'a', data: 1 })
    await until('one dead letter', async () => (await subscription.deadLetters.totals()).dead === 1)
    assert.deepEqual(reasons, ['PUBSUB_HANDLER_TIMEOUT', 'PUBSUB_HANDLER_TIMEOUT'])
  })

  it('a statement whose error the handler swallows is the message’s fault, not the world’s', async () => {
    const topic = bench().topic()
    const subscription = await bench().subscribe(
      topic,
      'g',
      async (_message, { tx }) => void (await tx.query('select 1/0').catch(() => undefined)),
      { maxAttempts: 1 }
    )
    await bench().pubsub.publish(topic, { id: 'm', key: 'k', type: 'a', data: 1 })
    await until('one dead letter', async () => (await subscription.deadLetters.totals()).dead === 1)
  })

  it('goes on with a parked key after a restart, in order, with the tries that were made', async () => {
    const topic = bench().topic()
    const attempts: number[] = []
    const first = await bench().collect(topic, 'g', {
      before: async ({ id }, { attempt }) => {
        if (id !== 'k-0') return
        attempts.push(attempt)
        throw new Error('not yet')
      },
      maxAttempts: 5,
      backoff: { firstMs: 3_600_000, maxMs: 3_600_000 }
    })
    await bench().pubsub.publish(topic, numbered(6, ['k']))
    await until('all parked', async () => (await first.deadLetters.totals()).waiting === 5)
    await first.drain()
    await bench().under.database.query(
      'update pubsub.parked set due_at = now() where topic = $1 and due_at is not null',
      [topic]
    )
    await bench().collect(topic, 'g', { before: async (_message, { attempt }) => void attempts.push(attempt) })
    const effects = await bench().done(topic, 'g', 6)
    inOrder(effects)
    assert.deepEqual(attempts.slice(0, 2), [1, 2])
    assert.equal(effects[0]!.attempt, 2)
  })

  it('keeps the order of messages that arrive while a parked key is being emptied', async () => {
    const topic = bench().topic()
    const subscription = await bench().collect(topic, 'g', { before: failing('k-0', 3) })
    await bench().pubsub.publish(topic, numbered(20, ['k']))
    await until('dead', async () => (await subscription.deadLetters.totals()).dead === 1)
    const [dead] = await subscription.deadLetters.list()
    await subscription.deadLetters.retry(dead!.number)
    for (let n = 20; n < 40; n++)
      await bench().pubsub.publish(topic, { id: `k-${n}`, key: 'k', type: 'a', data: { n } })
    inOrder(await bench().done(topic, 'g', 40))
  })

  it('a message that its consumers die of becomes a dead letter', async () => {
    const topic = bench().topic()
    const { database } = bench().under
    // As a consumer that died leaves it: the lease is past its time, nobody gave it back, and it was tried three times.
    const first = await bench().collect(topic, 'g')
    await first.drain()
    await database.query(
      `update pubsub.partitions set owner = gen_random_uuid(), leased_until = now() - interval '1 second',
       suspect = 'k-0', suspect_attempts = 3 where topic = $1`,
      [topic]
    )
    await bench().pubsub.publish(topic, numbered(3, ['k', 'other']))
    const subscription = await bench().collect(topic, 'g')
    await until('one behind a dead letter', async () => (await subscription.deadLetters.totals()).waiting === 1)
    const [dead] = await subscription.deadLetters.list()
    assert.match(dead!.error!, /its consumer died/)
    assert.equal(dead!.behind, 1)
    assert.deepEqual(
      (await bench().done(topic, 'g', 1)).map(({ id }) => id),
      ['other-0']
    )
  })

  it('counts a message as begun after a death, and handles it if it can', async () => {
    const topic = bench().topic()
    const first = await bench().collect(topic, 'g')
    await first.drain()
    await bench().under.database.query(
      `update pubsub.partitions set owner = gen_random_uuid(), leased_until = now() - interval '1 second' where topic = $1`,
      [topic]
    )
    await bench().pubsub.publish(topic, numbered(8, ['a', 'b']))
    await bench().subscribe(topic, 'g', (message, context) => record(`${topic}/g`, message, context), { batch: 3 })
    inOrder(await bench().done(topic, 'g', 8))
  })
}
