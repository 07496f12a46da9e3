import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Capabilities } from '../capabilities.ts'
import { UnsupportedError } from '../errors.ts'
import { type Bench, inOrder, numbered, until } from './under-test.ts'

export function replayCases(bench: () => Bench, { replay }: Capabilities): void {
  if (!replay) {
    it('says that it cannot replay', async () => {
      const subscription = await bench().collect(bench().topic(), 'g')
      await assert.rejects(subscription.replay({ from: 'start' }), UnsupportedError)
    })
    return
  }

  it('handles everything again from the start, in order, for its group alone', async () => {
    const topic = bench().topic()
    const subscription = await bench().collect(topic, 'g')
    await bench().collect(topic, 'other')
    await bench().pubsub.publish(topic, numbered(20, ['a', 'b', 'c', 'd']))
    await bench().done(topic, 'g', 20)
    await bench().done(topic, 'other', 20)
    await subscription.replay({ from: 'start' })
    const effects = await bench().done(topic, 'g', 40)
    inOrder(effects.slice(0, 20))
    inOrder(effects.slice(20))
    await bench().pubsub.publish(topic, numbered(4, ['a', 'b', 'c', 'd'], 5))
    assert.equal((await bench().done(topic, 'g', 44)).length, 44)
    assert.equal((await bench().done(topic, 'other', 24)).length, 24)
  })

  it('handles again what was published from a time on', async () => {
    const topic = bench().topic()
    const subscription = await bench().collect(topic, 'g')
    await bench().pubsub.publish(topic, numbered(6, ['a', 'b']))
    await bench().done(topic, 'g', 6)
    // A time between the two, by the clock of whoever stamps them: seen in what the group was given.
    const start = Date.now()
    await until('a later millisecond', () => Date.now() > start + 5)
    const time = Date.now()
    await until('a later millisecond', () => Date.now() > time + 5)
    await bench().pubsub.publish(topic, numbered(6, ['a', 'b'], 3))
    await bench().done(topic, 'g', 12)
    await subscription.replay({ from: { time } })
    const effects = await bench().done(topic, 'g', 18)
    inOrder(effects.slice(12), 3)
    assert.equal(effects.length, 18)
  })

  it('handles again what is behind a position', async () => {
    const topic = bench().topic()
    const subscription = await bench().collect(topic, 'g')
    await bench().pubsub.publish(topic, numbered(3, ['k']))
    await bench().done(topic, 'g', 3)
    const { rows } = await bench().under.database.query<{ partition: number; position: string }>(
      'select partition, position from pubsub.partitions where topic = $1 and position is not null',
      [topic]
    )
    await bench().pubsub.publish(topic, numbered(2, ['k'], 3))
    await bench().done(topic, 'g', 5)
    await subscription.replay({ from: { partition: rows[0]!.partition, after: rows[0]!.position } })
    const effects = await bench().done(topic, 'g', 7)
    assert.deepEqual(
      effects.slice(5).map(({ n }) => n),
      [3, 4]
    )
  })

  it('lets go what is parked and will be read again', async () => {
    const topic = bench().topic()
    let mended = false
    const subscription = await bench().collect(topic, 'g', {
      maxAttempts: 1,
      before: async ({ id }) => {
        if (id === 'k-1' && !mended) throw new Error('not yet')
      }
    })
    await bench().pubsub.publish(topic, numbered(4, ['k']))
    await until('parked', async () => (await subscription.deadLetters.totals()).waiting === 2)
    mended = true
    await subscription.replay({ from: 'start' })
    const effects = await bench().done(topic, 'g', 5)
    assert.deepEqual(
      effects.map(({ n }) => n),
      [0, 0, 1, 2, 3]
    )
    assert.equal((await subscription.deadLetters.totals()).keys, 0)
  })
}
