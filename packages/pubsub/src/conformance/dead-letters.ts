import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Subscription } from '../consumer/subscription.ts'
import { NoDeadLetterError } from '../errors.ts'
import { jsonCodec } from '../message/codec.ts'
import { type Bench, inOrder, numbered, until } from './under-test.ts'

export function deadLetterCases(bench: () => Bench): void {
  /** A group in which `k-0` is dead and `behind` messages wait behind it. `mend.ed` lets the next try succeed. */
  const poisoned = async (behind = 4) => {
    const topic = bench().topic()
    const mend = { ed: false }
    const subscription = await bench().collect(topic, 'g', {
      maxAttempts: 2,
      before: async ({ id, data }) => {
        if (id === 'k-0' && !mend.ed && !(data as { fixed?: boolean }).fixed) throw new TypeError('cannot take this')
      }
    })
    await bench().pubsub.publish(topic, numbered(behind + 1, ['k']))
    await until('all parked', async () => {
      const { dead, waiting } = await subscription.deadLetters.totals()
      return dead === 1 && waiting === behind
    })
    const [dead] = await subscription.deadLetters.list()
    return { topic, subscription, mend, number: dead!.number }
  }
  const isEmpty = (subscription: Subscription) =>
    until('nothing parked', async () => (await subscription.deadLetters.totals()).keys === 0)

  it('lists dead letters with what was wrong and what waits behind them', async () => {
    const { subscription, topic } = await poisoned()
    const [dead, ...others] = await subscription.deadLetters.list()
    assert.equal(others.length, 0)
    const { id, key, type, state, attempts, error, behind, publishedAt, parkedAt } = dead!
    assert.deepEqual(
      { id, key, type, state, attempts, error, behind },
      { id: 'k-0', key: 'k', type: 'counted', state: 'dead', attempts: 2, error: 'cannot take this', behind: 4 }
    )
    assert.ok(publishedAt > 0 && parkedAt > 0)
    assert.equal((await bench().pubsub.deadLetters(topic, 'g').list()).length, 1)
    assert.equal((await bench().pubsub.deadLetters(topic, 'other').list()).length, 0)
  })

  it('shows everything of one', async () => {
    const { subscription, number } = await poisoned()
    const shown = await subscription.deadLetters.look(number)
    assert.deepEqual(jsonCodec.decode(shown!.data), { n: 0 })
    assert.equal(shown!.attributes.source, '/conformance')
    assert.deepEqual(shown!.notes, [])
    assert.equal(await subscription.deadLetters.look(number + 1_000_000), undefined)
  })

  it('retries one, and those behind it follow in order', async () => {
    const { subscription, topic, mend, number } = await poisoned()
    mend.ed = true
    await subscription.deadLetters.retry(number, 'mended the handler')
    const effects = await bench().done(topic, 'g', 5)
    inOrder(effects)
    await isEmpty(subscription)
  })

  it('a retry that fails is dead again after all its tries', async () => {
    const { subscription, number } = await poisoned()
    await subscription.deadLetters.retry(number)
    await until('dead again', async () => (await subscription.deadLetters.look(number))?.attempts === 2)
    assert.equal((await subscription.deadLetters.totals()).waiting, 4)
  })

  it('edits one with a note, keeps what it was, and tries it', async () => {
    const { subscription, topic, number } = await poisoned()
    await subscription.deadLetters.edit(number, jsonCodec.encode({ n: 0, fixed: true }), 'the total was negative')
    inOrder(await bench().done(topic, 'g', 5))
    const { rows } = await bench().under.database.query<{ action: string; note: string; data_before: Buffer }>(
      'select action, note, data_before from pubsub.parked_notes where number = $1',
      [number]
    )
    assert.equal(rows[0]!.action, 'edit')
    assert.equal(rows[0]!.note, 'the total was negative')
    assert.deepEqual(jsonCodec.decode(rows[0]!.data_before), { n: 0 })
  })

  it('discards one with a note, and those behind it go on', async () => {
    const { subscription, topic, number } = await poisoned()
    await subscription.deadLetters.discard(number, 'a test order')
    inOrder(await bench().done(topic, 'g', 4), 1)
    await isEmpty(subscription)
    assert.deepEqual(await subscription.deadLetters.list(), [])
    const [discarded] = await subscription.deadLetters.list({ discarded: true })
    assert.equal(discarded!.id, 'k-0')
    const [note] = (await subscription.deadLetters.look(number))!.notes
    assert.equal(note!.note, 'a test order')
  })

  it('a key that was let go is in order with what comes later', async () => {
    const { subscription, topic, number } = await poisoned(2)
    await subscription.deadLetters.discard(number, 'gone')
    for (let n = 3; n < 13; n++) await bench().pubsub.publish(topic, { id: `k-${n}`, key: 'k', type: 'a', data: { n } })
    inOrder(await bench().done(topic, 'g', 12), 1)
  })

  it('wants a note for what cannot be undone', async () => {
    const { subscription, number } = await poisoned(0)
    assert.throws(() => subscription.deadLetters.discard(number, ' '), TypeError)
    assert.throws(() => subscription.deadLetters.edit(number, new Uint8Array(), ''), TypeError)
  })

  it('refuses to decide about what is not a dead letter of this group', async () => {
    const { subscription, topic, number } = await poisoned(0)
    const { deadLetters } = subscription
    await assert.rejects(deadLetters.retry(number + 1_000_000), NoDeadLetterError)
    await assert.rejects(bench().pubsub.deadLetters(topic, 'other').retry(number), NoDeadLetterError)
    await deadLetters.discard(number, 'gone')
    await assert.rejects(deadLetters.retry(number), NoDeadLetterError)
  })

  it('lists many page by page', async () => {
    const topic = bench().topic()
    const subscription = await bench().subscribe(topic, 'g', () => Promise.reject(new Error('no')), { maxAttempts: 1 })
    await bench().pubsub.publish(
      topic,
      Array.from({ length: 12 }, (_, i) => ({ id: `m${i}`, type: 'a', data: 1 }))
    )
    await until('twelve', async () => (await subscription.deadLetters.totals()).dead === 12)
    const first = await subscription.deadLetters.list({ limit: 5 })
    const second = await subscription.deadLetters.list({ limit: 5, after: first.at(-1)!.number })
    const third = await subscription.deadLetters.list({ limit: 5, after: second.at(-1)!.number })
    assert.deepEqual([first.length, second.length, third.length], [5, 5, 2])
    assert.equal(new Set([...first, ...second, ...third].map(({ id }) => id)).size, 12)
  })
}
