import assert from 'node:assert/strict'
import { type AddressInfo, connect } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { Database, Transaction } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import Fastify, { type FastifyInstance } from 'fastify'
import { migrateIdempotency, postgresStore } from './adapters/postgres.ts'
import { installIdempotency } from './fastify.ts'

describe('on a real port', () => {
  let db: Database
  let app: FastifyInstance
  let url: string
  let keys = 0
  const entered = new Map<string, () => void>()
  const gates = new Map<string, Promise<void>>()
  before(async () => {
    db = await openScratch()
    await migrateIdempotency(db)
    await db.exec('create table orders (id int primary key, note text not null)')
    app = Fastify()
    const keyed = installIdempotency<Transaction>(app, {
      store: postgresStore(db),
      tenant: request => String(request.headers['x-account'] ?? 'acme')
    })
    const idempotency = { required: true }
    const item = {
      type: 'object',
      required: ['note'],
      properties: { note: { type: 'string' }, fail: { type: 'string' } }
    }
    app.post<{ Body: { note: string; fail?: string } }>(
      '/orders',
      { config: { idempotency }, schema: { body: item } },
      async (request, reply) => {
        const { note, fail } = request.body
        const { tx } = keyed(request)
        const { rows } = await tx.query<{ id: number }>(
          'insert into orders select count(*) + 1, $1 from orders returning id',
          [note]
        )
        entered.get(note)?.()
        await gates.get(note)
        reply.header('x-order', note)
        if (fail === 'throw') throw new Error('declined')
        if (fail === '503') return reply.code(503).send({ again: true })
        return reply
          .code(201)
          .headers({ location: `/orders/${rows[0]!.id}`, 'set-cookie': 'sid=1', 'x-request-id': 'r' })
          .send({ id: rows[0]!.id, note })
      }
    )
    app.put<{ Params: { id: string }; Body: { note: string } }>('/orders/:id', async request => {
      const put = 'insert into orders values ($1, $2) on conflict (id) do update set note = excluded.note'
      await db.query(put, [request.params.id, request.body.note])
      return { id: Number(request.params.id) }
    })
    app.get<{ Params: { id: string } }>('/orders/:id', async (request, reply) => {
      const { rows } = await db.query('select * from orders where id = $1', [request.params.id])
      return rows[0] ?? reply.code(404).send({})
    })
    app.delete<{ Params: { id: string } }>('/orders/:id', async (request, reply) => {
      const { affected } = await db.query('delete from orders where id = $1', [request.params.id])
      return reply.code(affected === 1 ? 204 : 404).send()
    })
    app.post(
      '/plain',
      { config: { idempotency: { required: false } } },
      async request => `fence ${keyed(request).fence > 0}`
    )
    app.post('/charged', { config: { idempotency } }, async (request, reply) => {
      const { tx, commit } = keyed(request)
      await tx.query("insert into orders select count(*) + 1, 'charged' from orders")
      commit()
      return reply.code(502).send({ receipt: 'failed' })
    })
    app.post('/empty', { config: { idempotency } }, (_request, reply) => reply.code(204).send())
    app.post('/stray', async request => keyed(request).fence)
    url = await app.listen({ port: 0, host: '127.0.0.1' })
  })
  after(async () => {
    await app.close()
    await db.close()
  })

  const send = (
    path: string,
    key: string | undefined,
    body?: unknown,
    more: Record<string, string> = {},
    method = 'POST'
  ) =>
    fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
  const newKey = () => `k-${++keys}`
  const count = async (note: string) =>
    (await db.query<{ n: number }>('select count(*) as n from orders where note = $1', [note])).rows[0]!.n

  test('POST with a key is done once, and its replay is the same bytes without what belongs to one exchange', async () => {
    const key = newKey()
    const first = await send('/orders', key, { note: 'once' })
    const text = await first.text()
    assert.equal(first.status, 201)
    assert.equal(first.headers.get('set-cookie'), 'sid=1')
    assert.equal(first.headers.get('idempotent-replayed'), null)
    const again = await send('/orders', `"${key}"`, { note: 'once' })
    assert.equal(again.status, 201)
    assert.equal(await again.text(), text)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    for (const name of ['location', 'content-type']) assert.equal(again.headers.get(name), first.headers.get(name))
    for (const name of ['set-cookie', 'x-request-id']) assert.equal(again.headers.get(name), null)
    assert.equal(await count('once'), 1)
  })

  test('many at once: one order; the others replay it or are told to come back', async () => {
    const key = newKey()
    const answers = await Promise.all(Array.from({ length: 12 }, () => send('/orders', key, { note: 'many' })))
    for (const { status, headers } of answers) {
      assert.ok(status === 201 || status === 409, `${status}`)
      if (status === 409) assert.match(headers.get('retry-after')!, /^[1-9]\d*$/)
    }
    assert.equal((await send('/orders', key, { note: 'many' })).headers.get('idempotent-replayed'), 'true')
    assert.equal(await count('many'), 1)
  })

  test('a refusal is a problem with a code', async () => {
    const key = newKey()
    const problem = async (answer: Response) => {
      assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/)
      return [answer.status, ((await answer.json()) as { code: string }).code]
    }
    assert.deepEqual(await problem(await send('/orders', undefined, { note: 'x' })), [400, 'idempotency_key_missing'])
    assert.deepEqual(await problem(await send('/orders', 'a b', { note: 'x' })), [400, 'idempotency_key_invalid'])
    await send('/orders', key, { note: 'first' })
    assert.deepEqual(await problem(await send('/orders', key, { note: 'x' })), [422, 'idempotency_key_reused'])
    assert.equal(await count('x'), 0)
  })

  test('what is refused before the handler, thrown, or a 503 is not kept and leaves nothing', async () => {
    const key = newKey()
    assert.equal((await send('/orders', key, { none: 1 })).status, 400)
    const thrown = await send('/orders', key, { note: 'again', fail: 'throw' })
    assert.deepEqual([thrown.status, thrown.headers.get('x-order')], [500, null])
    assert.equal((await send('/orders', key, { note: 'again', fail: '503' })).status, 503)
    assert.equal(await count('again'), 0)
    assert.equal((await send('/orders', key, { note: 'again' })).status, 201)
    assert.equal(await count('again'), 1)
  })

  test('a 502 whose handler said commit is kept, with its effect', async () => {
    const key = newKey()
    for (const replayed of [null, 'true']) {
      const answer = await send('/charged', key)
      assert.deepEqual([answer.status, answer.headers.get('idempotent-replayed')], [502, replayed])
    }
    assert.equal(await count('charged'), 1)
  })

  test('two tenants do not share a key', async () => {
    const key = newKey()
    for (const account of ['a', 'b']) {
      const answer = await send('/orders', key, { note: 'shared' }, { 'x-account': account })
      assert.equal(answer.headers.get('idempotent-replayed'), null)
    }
    assert.equal(await count('shared'), 2)
  })

  test('a client that hangs up does not cancel an effect that has begun', async () => {
    const key = newKey()
    const gate = Promise.withResolvers<void>()
    const inside = Promise.withResolvers<void>()
    gates.set('gone', gate.promise)
    entered.set('gone', inside.resolve)
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    const body = JSON.stringify({ note: 'gone' })
    socket.write(
      `POST /orders HTTP/1.1\r\nHost: x\r\nIdempotency-Key: ${key}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    )
    await inside.promise
    const closed = Promise.withResolvers<void>()
    socket.once('close', () => closed.resolve())
    socket.destroy()
    await closed.promise
    gate.resolve()
    // The retry may come while the first one commits.
    let again = await send('/orders', key, { note: 'gone' })
    while (again.status === 409) again = await send('/orders', key, { note: 'gone' })
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.equal(await count('gone'), 1)
  })

  test('a key may be optional, an answer empty, and the transaction is only for those who asked', async () => {
    assert.equal(await (await send('/plain', undefined)).text(), 'fence false')
    assert.equal(await (await send('/plain', newKey())).text(), 'fence true')
    const key = newKey()
    assert.equal((await send('/empty', key)).status, 204)
    const again = await send('/empty', key)
    assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [204, 'true'])
    assert.equal((await send('/stray', undefined)).status, 500)
  })

  describe('what each method needs, a row of the readme each', () => {
    const state = async () => (await db.query('select * from orders order by id')).rows

    test('GET: nothing, it changes nothing', async () => {
      const before = await state()
      await send('/orders/1', undefined, undefined, {}, 'GET')
      assert.deepEqual(await state(), before)
    })
    test('PUT: nothing, the second one puts the same', async () => {
      await send('/orders/900', undefined, { note: 'put' }, {}, 'PUT')
      const once = await state()
      await send('/orders/900', undefined, { note: 'put' }, {}, 'PUT')
      assert.deepEqual(await state(), once)
    })
    test('DELETE: nothing, the second one answers 404 (204 is as good) and the state is the same', async () => {
      await send('/orders/900', undefined, { note: 'put' }, {}, 'PUT')
      assert.equal((await send('/orders/900', undefined, undefined, {}, 'DELETE')).status, 204)
      const once = await state()
      assert.equal((await send('/orders/900', undefined, undefined, {}, 'DELETE')).status, 404)
      assert.deepEqual(await state(), once)
    })
    test('POST: a key, or it is done twice', async () => {
      const before = (await state()).length
      await send('/orders', newKey(), { note: 'twice' })
      await send('/orders', newKey(), { note: 'twice' })
      assert.equal((await state()).length, before + 2)
      const key = newKey()
      await send('/orders', key, { note: 'keyed' })
      await send('/orders', key, { note: 'keyed' })
      assert.equal((await state()).length, before + 3)
    })
  })
})
