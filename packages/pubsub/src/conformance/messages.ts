import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { it } from 'node:test'
import { InvalidMessageError, MessageTooLargeError, SchemaViolationError } from '../errors.ts'
import { bytesCodec, type Codec } from '../message/codec.ts'
import type { Message, NewMessage } from '../message/message.ts'
import { SchemaRegistry } from '../schema/registry.ts'
import { type Bench, until } from './under-test.ts'

const strange = 'Grüße, мир, 世界 👩‍🚀 \u202eRTL\u202c "quoted" 100% \\ tab\t'

export function messageCases(bench: () => Bench): void {
  /** What arrives of what is published. */
  const through = async (messages: NewMessage[], options: { codec?: Codec; registry?: SchemaRegistry } = {}) => {
    const topic = bench().topic()
    const pubsub = bench().on(bench().broker, options)
    const got: Message[] = []
    await bench().subscribe(topic, 'g', async message => void got.push(message), { pubsub })
    await pubsub.publish(topic, messages)
    await until(`${messages.length} messages`, () => got.length >= messages.length)
    return got
  }

  it('carries every attribute of CloudEvents 1.0', async () => {
    const time = Date.UTC(2026, 1, 3, 4, 5, 6, 789)
    const [message] = await through([
      {
        id: 'm-1',
        key: 'k',
        type: 'order.placed',
        data: { a: 1 },
        subject: 'order/1',
        time,
        headers: { tenant: 'acme' }
      }
    ])
    const { attributes, ...rest } = message!
    assert.deepEqual(
      { ...attributes },
      {
        specversion: '1.0',
        id: 'm-1',
        source: '/conformance',
        type: 'order.placed',
        subject: 'order/1',
        time: '2026-02-03T04:05:06.789Z',
        datacontenttype: 'application/json',
        partitionkey: 'k',
        correlationid: 'm-1'
      }
    )
    assert.equal(rest.time, time)
    assert.equal(rest.subject, 'order/1')
    assert.deepEqual(rest.data, { a: 1 })
    assert.deepEqual({ ...rest.headers }, { tenant: 'acme' })
  })

  it('makes an id and a time for a message without them', async () => {
    const [message] = await through([{ type: 'a', data: null }])
    assert.match(message!.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
    assert.ok(Math.abs(message!.time - Date.now()) < 600_000)
    assert.equal(message!.key, null)
    assert.equal(message!.correlationId, message!.id)
  })

  it('carries trace context, correlation and causation', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const [message] = await through([
      { type: 'a', data: 1, traceparent, tracestate: 'a=b,c=d', correlationId: 'saga-1', causationId: 'cause-1' }
    ])
    assert.equal(message!.traceparent, traceparent)
    assert.equal(message!.tracestate, 'a=b,c=d')
    assert.equal(message!.correlationId, 'saga-1')
    assert.equal(message!.causationId, 'cause-1')
  })

  it('carries headers of any text', async () => {
    const headers = {
      plain: 'a b',
      empty: '',
      [`ключ-${strange}`]: strange,
      'ce-id': 'mine',
      lines: 'a\r\nb: c',
      'X-Case': 'Kept'
    }
    const [message] = await through([{ type: 'a', data: 1, headers }])
    assert.deepEqual({ ...message!.headers }, headers)
  })

  it('carries any text in id, key, type, subject and data', async () => {
    const data = { text: strange, nul: 'a\0b', lone: ['', ' '], deep: { [strange]: [null, 1.5, true] } }
    const [message] = await through([
      { id: `id ${strange}`, key: `key ${strange}`, type: strange, subject: strange, data }
    ])
    assert.equal(message!.id, `id ${strange}`)
    assert.equal(message!.key, `key ${strange}`)
    assert.equal(message!.type, strange)
    assert.equal(message!.subject, strange)
    assert.deepEqual(message!.data, data)
  })

  it('carries a message of 1 MB byte for byte', async () => {
    const bytes = randomBytes(1_000_000 - 2_000)
    const [message] = await through([{ type: 'blob', key: 'k', data: bytes }], { codec: bytesCodec })
    assert.equal(message!.attributes.datacontenttype, 'application/octet-stream')
    assert.ok(Buffer.from(message!.data as Uint8Array).equals(bytes))
  })

  it('carries no bytes at all, and bytes that are no text', async () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i)
    const got = await through(
      [
        { id: 'none', key: 'k', type: 'blob', data: new Uint8Array() },
        { id: 'all', key: 'k', type: 'blob', data: all }
      ],
      { codec: bytesCodec }
    )
    assert.deepEqual(
      got.map(({ data }) => [...(data as Uint8Array)]),
      [[], [...all]]
    )
  })

  it('refuses what is larger than its table says, and takes nothing of that call', async () => {
    const topic = bench().topic()
    const { maxBytes } = bench().broker.capabilities
    const pubsub = bench().on(bench().broker, { codec: bytesCodec })
    const got: string[] = []
    await bench().subscribe(topic, 'g', async ({ id }) => void got.push(id), { pubsub })
    const small = { id: 'small', type: 'a', data: new Uint8Array(1) }
    const large = { id: 'large', type: 'a', data: new Uint8Array(maxBytes) }
    await assert.rejects(pubsub.publish(topic, [small, large]), MessageTooLargeError)
    await pubsub.publish(topic, { ...small, id: 'after' })
    await until('the one after', () => got.length > 0)
    assert.deepEqual(got, ['after'])
  })

  it('refuses ids, keys, types and headers that no broker could carry', async () => {
    const topic = bench().topic()
    const refused: NewMessage[] = [
      { id: '', type: 'a', data: 1 },
      { id: 'a\0', type: 'a', data: 1 },
      { key: '', type: 'a', data: 1 },
      { key: 'k'.repeat(501), type: 'a', data: 1 },
      { type: '', data: 1 },
      { type: 'a', data: 1, headers: { '': 'x' } },
      { type: 'a', data: 1, headers: { a: 'x\0' } },
      { type: 'a', data: 1, headers: { a: 1 as unknown as string } },
      { type: 'a', data: 1, headers: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, ''])) }
    ]
    for (const message of refused) await assert.rejects(bench().pubsub.publish(topic, message), InvalidMessageError)
  })

  it('refuses names of topics and groups that some broker could not have', async () => {
    const { pubsub } = bench()
    for (const name of ['', 'Upper', 'a b', 'a/b', '*', '>', '.a', 'a'.repeat(81)]) {
      await assert.rejects(pubsub.publish(name, { type: 'a', data: 1 }), RangeError)
      await assert.rejects(
        pubsub.subscribe(bench().topic(), name, async () => undefined),
        RangeError
      )
    }
  })

  it('publishes nothing when it is given nothing', async () => {
    assert.deepEqual(await bench().pubsub.publish(bench().topic(), []), [])
  })

  it('answers with the ids, in order', async () => {
    const topic = bench().topic()
    const ids = await bench().pubsub.publish(topic, [
      { id: 'b', type: 'a', data: 1 },
      { id: 'a', type: 'a', data: 1 }
    ])
    assert.deepEqual(ids, ['b', 'a'])
  })

  it('reads data by the codec of its content type; without one it is a dead letter at once', async () => {
    const reversed: Codec = {
      contentType: 'application/x-reversed',
      encode: data => Buffer.from([...String(data)].reverse().join('')),
      decode: bytes => [...Buffer.from(bytes).toString()].reverse().join('')
    }
    const [message] = await through([{ type: 'a', data: 'abc' }], { codec: reversed })
    assert.equal(message!.data, 'abc')
    const topic = bench().topic()
    const unknowing = await bench().subscribe(topic, 'g', async () => undefined)
    await bench().on(bench().broker, { codec: reversed }).publish(topic, { id: 'm', type: 'a', data: 'abc' })
    await until('a dead letter', async () => (await unknowing.deadLetters.list()).length === 1)
    const [dead] = await unknowing.deadLetters.list()
    assert.equal(dead!.errorCode, 'PUBSUB_UNDECODABLE')
    assert.equal(dead!.attempts, 1)
  })

  it('checks data by the schema of its type and version, on the way in and on the way out', async () => {
    const old = new SchemaRegistry().register('order', 1, {
      type: 'object',
      properties: { total: { type: 'number' } },
      required: ['total']
    })
    const [message] = await through([{ type: 'order', data: { total: 1 } }], { registry: old })
    assert.equal(message!.version, 1)
    assert.equal(message!.attributes.dataschema, 'urn:schema:order:1')
    const topic = bench().topic()
    const reader = bench().on(bench().broker, { registry: old })
    await assert.rejects(reader.publish(topic, { type: 'order', data: { total: 'much' } }), SchemaViolationError)
    const subscription = await bench().subscribe(topic, 'g', async () => undefined, { pubsub: reader })
    const writer = bench().on(bench().broker, {
      registry: new SchemaRegistry().register('order', 1, { type: 'any' }).register('order', 2, { type: 'any' })
    })
    await writer.publish(topic, { type: 'order', data: { total: 2 } })
    await until('a dead letter', async () => (await subscription.deadLetters.list()).length === 1)
    assert.equal((await subscription.deadLetters.list())[0]!.errorCode, 'PUBSUB_SCHEMA_VIOLATION')
  })
}
