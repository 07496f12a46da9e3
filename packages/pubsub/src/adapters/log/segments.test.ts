import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Database, migrate } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { until } from '../../conformance/under-test.ts'
import type { Envelope } from '../../message/envelope.ts'
import type { Message } from '../../message/message.ts'
import { PubSub } from '../../pubsub.ts'
import { logBroker, migrateLogBroker } from './log.ts'
import { bodyOf, packedOf } from './segment.ts'

const envelope = (id: string, parts: Partial<Envelope> = {}): Envelope => ({
  id,
  key: 'k',
  partition: 3,
  attributes: { specversion: '1.0', id, source: '/a', type: 't', time: '1', correlationid: id, partitionkey: 'k' },
  headers: {},
  data: Buffer.from('{"a":1}'),
  ...parts
})

describe('a segment', () => {
  it('gives back each message as it was, whatever the first one is like', () => {
    const plain = { specversion: '1.0', source: '/a', type: 't', time: '1' }
    const messages = [
      envelope('first'),
      envelope('later', { attributes: { ...envelope('later').attributes, time: '2' } }),
      envelope('caused', { attributes: { ...plain, id: 'caused', correlationid: 'other', causationid: 'x' } }),
      envelope('bare', { attributes: {}, key: null }),
      envelope('keyless', { key: null, attributes: { ...plain, id: 'keyless', correlationid: 'keyless' } }),
      envelope('timeless', { attributes: { id: 'timeless', type: 'other' } }),
      envelope('headed', { headers: { a: 'ü🚢', constructor: 'b' } }),
      envelope('bytes', { data: Buffer.from([0xff, 0, 0xfe]) }),
      envelope('nul "quoted"', { data: Buffer.from('a\0\n\\"\u2028') })
    ]
    for (const order of [messages, messages.toReversed()]) {
      const row = { xid: '7', position: 9, partition: 3, first: 0, until: 9, bytes: 1, published: 5 }
      const read = packedOf({ ...row, body: bodyOf(order) }).unpack()
      const shown = ({ id, key, partition, attributes, headers, data }: Envelope) => {
        return { id, key, partition, attributes, headers, data: Buffer.from(data) }
      }
      assert.deepEqual(read.map(shown), order.map(shown))
    }
  })
})

describe('the log in segments', () => {
  let database: Database
  before(async () => {
    database = await openScratch()
    await PubSub.migrate(database)
  })
  after(() => database.close())

  const collected = async (pubsub: PubSub, topic: string, count: number): Promise<Message[]> => {
    const got: Message[] = []
    await pubsub.subscribe(topic, 'g', async message => void got.push(message))
    await until(`${count} messages`, () => got.length >= count)
    return got
  }

  it('knows an id that publish made, when somebody publishes it again', async () => {
    await migrateLogBroker(database)
    const broker = logBroker({ database, partitions: 2 })
    const pubsub = new PubSub({ broker, database, source: '/test' })
    const made = await pubsub.publish(
      'again',
      [1, 2, 3].map(data => ({ key: 'k', type: 'a', data }))
    )
    const other = '0198c0de-0000-7000-8000-000000000001'
    const again = [made[1]!, other, made[0]!, other].map(id => ({ id, key: 'another', type: 'a', data: id }))
    await pubsub.publish('again', again)
    // A key that looks like an id is none.
    await pubsub.publish('again', { key: '0198c0de-0000-7000-8000-000000000002', type: 'a', data: 4 })
    await pubsub.publish('again', { id: '0198c0de-0000-7000-8000-000000000002', key: 'k', type: 'a', data: 5 })
    const got = await collected(pubsub, 'again', 6)
    assert.deepEqual(new Set(got.map(({ data }) => data)), new Set([1, 2, 3, other, 4, 5]))
    assert.equal(got.length, 6)
    await pubsub.close()
    await broker.close()
  })

  it('keeps what was published before there were segments, its ids and its places', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'plimsoll-migrations-'))
    copyFileSync(new URL('./migrations/0001_messages.sql', import.meta.url), join(folder, '0001_messages.sql'))
    await migrate(database, 'pubsub-log:older', pathToFileURL(`${folder}/`), { schema: 'older' })
    rmSync(folder, { recursive: true })
    await database.exec(`insert into older.topics (name, partitions) values ('old', 1);
      insert into older.messages (topic, partition, id, key, about, words, bytes) values
        (1, 0, 'one', 'k', '[{"type":"a","datacontenttype":"application/json"},{"h":"ü"}]', '{"n":"\\"1"}', null),
        (1, 0, 'two', null, '[{"type":"b","datacontenttype":"application/octet-stream"},{}]', null, '\\xff00fe')`)
    const { rows } = await database.query<{ place: string }>(
      `select lpad(xid::text, 20, '0') || '.' || lpad(position::text, 19, '0') as place from older.messages where id = 'one'`
    )
    await migrateLogBroker(database, 'older')
    const broker = logBroker({ database, schema: 'older' })
    const pubsub = new PubSub({ broker, database, source: '/test' })
    await pubsub.publish('old', [
      { id: 'one', type: 'a', data: 'again' },
      { id: 'three', type: 'c', data: 3 }
    ])
    const got = await collected(pubsub, 'old', 3)
    assert.deepEqual(
      got.map(({ id, key, type, data, headers }) => ({ id, key, type, data, headers })),
      [
        { id: 'one', key: 'k', type: 'a', data: { n: '"1' }, headers: { h: 'ü' } },
        { id: 'two', key: null, type: 'b', data: Buffer.from([0xff, 0, 0xfe]), headers: {} },
        { id: 'three', key: null, type: 'c', data: 3, headers: {} }
      ]
    )
    // A place that a consumer kept from then: what stands there is handled.
    const lag = await broker.lag({ topic: 'old', group: 'g', partition: 0 }, rows[0]!.place)
    assert.equal(lag.messages, 2)
    await pubsub.close()
    await broker.close()
  })
})
