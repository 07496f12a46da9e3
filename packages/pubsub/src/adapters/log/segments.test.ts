import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Database, migrate } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { until } from '../../conformance/under-test.ts'
import { type Envelope, LazyEnvelope, type LazyParts } from '../../message/envelope.ts'
import type { Message } from '../../message/message.ts'
import { SharedAttributes } from '../../message/shared-attributes.ts'
import { PubSub } from '../../pubsub.ts'
import { bodyOf } from './body.ts'
import { logBroker, migrateLogBroker } from './log.ts'
import { packedOf } from './segment.ts'

const envelope = (id: string, parts: Partial<Envelope> = {}): Envelope => ({
  id,
  key: 'k',
  partition: 3,
  attributes: { specversion: '1.0', id, source: '/a', type: 't', time: '1', correlationid: id, partitionkey: 'k' },
  headers: {},
  data: Buffer.from('{"a":1}'),
  ...parts
})

const lazy = (parts: Partial<LazyParts> & { id: string }, text: string) => {
  const ordinary = { key: 'k', partition: 3, headers: {}, json: true, fresh: false }
  return new LazyEnvelope({ ...ordinary, common: undefined, attributes: undefined, ...parts }, text)
}

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
      const packed = packedOf({ ...row, body: bodyOf(order) })
      const read = order.map((_, i) => packed.envelopeAt(i))
      const shown = ({ id, key, partition, attributes, headers, data }: Envelope) => {
        return { id, key, partition, attributes, headers, data: Buffer.from(data) }
      }
      assert.deepEqual(read.map(shown), order.map(shown))
    }
  })

  it('keeps JSON as it was written, whoever else is in the segment', () => {
    const attributes = { specversion: '1.0', source: '/a', type: 't', time: '1', datacontenttype: 'application/json' }
    const json = (
      id: string,
      key: string | null,
      text: string,
      common = new SharedAttributes(attributes),
      headers = {}
    ) => lazy({ id, key, headers, common }, text)
    const common = new SharedAttributes(attributes)
    const messages = [
      json('plain', 'k', '{"a":[1,"\\n"],"b":null}', common),
      json('alike', null, '1e400', common),
      json('later', 'ü "k"', '"x"', new SharedAttributes({ ...attributes, time: '2' })),
      json('later still', 'k', '12345678901234567890', new SharedAttributes({ ...attributes, time: '3' }), { h: 'i' }),
      lazy({ id: 'own', attributes: { type: 'u' } }, '[]'),
      lazy({ id: 'text', json: false, common }, 'no\nJSON'),
      envelope('bytes', { data: Buffer.from([0xff, 0, 0xfe]) })
    ]
    for (const order of [messages, messages.toReversed()]) {
      const row = { xid: '7', position: 9, partition: 3, first: 0, until: 7, bytes: 1, published: 5 }
      const packed = packedOf({ ...row, body: bodyOf(order) })
      const shown = ({ id, key, partition, attributes, headers, data }: Envelope) => {
        return { id, key, partition, attributes, headers, data: Buffer.from(data).toString('latin1') }
      }
      assert.deepEqual(
        order.map((_, i) => shown(packed.envelopeAt(i))),
        order.map(shown)
      )
      // What a handler changes is its own.
      const first = packed.envelopeAt(order.indexOf(messages[0]!)).value as { a: unknown }
      first.a = 'changed'
      assert.deepEqual(packed.envelopeAt(order.indexOf(messages[0]!)).value, { a: [1, '\n'], b: null })
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
    // A key that looks like an id is none; nor is what looks like one in the data of a message.
    await pubsub.publish('again', { key: '0198c0de-0000-7000-8000-000000000002', type: 'a', data: 4 })
    await pubsub.publish('again', { id: '0198c0de-0000-7000-8000-000000000002', key: 'k', type: 'a', data: 5 })
    const next = `${made[1]!.slice(0, -4)}0000`
    await pubsub.publish(
      'again',
      [1, 2, 3].map(n => ({ key: 'k', type: 'b', data: [next, '\n', [next, n]] }))
    )
    await pubsub.publish('again', { id: next, key: 'k', type: 'a', data: 6 })
    const got = await collected(pubsub, 'again', 10)
    const first = got.filter(({ type }) => type === 'a')
    assert.deepEqual(new Set(first.map(({ data }) => data)), new Set([1, 2, 3, other, 4, 5, 6]))
    assert.equal(got.length, 10)
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
    // What segments were before they had lines.
    const made = '0198c0de-0000-7000-8000-000000000001'
    const json = JSON.stringify([
      { type: 'd', datacontenttype: 'application/json' },
      [[made, 'k', '{"n":4}', { type: 'e' }, { h: 'i' }]]
    ])
    await database.query(
      `insert into older.segments (topic, partition, until, bytes, made_from, made_to, lines) values (1, 0, 1, 1, $1, $1, $2)`,
      [made, json]
    )
    const broker = logBroker({ database, schema: 'older' })
    const pubsub = new PubSub({ broker, database, source: '/test' })
    await pubsub.publish('old', [
      { id: 'one', type: 'a', data: 'again' },
      { id: made, type: 'a', data: 'again' },
      { id: 'three', type: 'c', data: 3 }
    ])
    const got = await collected(pubsub, 'old', 4)
    assert.deepEqual(
      got.map(({ id, key, type, data, headers }) => ({ id, key, type, data, headers })),
      [
        { id: 'one', key: 'k', type: 'a', data: { n: '"1' }, headers: { h: 'ü' } },
        { id: 'two', key: null, type: 'b', data: Buffer.from([0xff, 0, 0xfe]), headers: {} },
        { id: made, key: 'k', type: 'e', data: { n: 4 }, headers: { h: 'i' } },
        { id: 'three', key: null, type: 'c', data: 3, headers: {} }
      ]
    )
    // A place that a consumer kept from then: what stands there is handled.
    const lag = await broker.lag({ topic: 'old', group: 'g', partition: 0 }, rows[0]!.place)
    assert.equal(lag.messages, 3)
    await pubsub.close()
    await broker.close()
  })
})
