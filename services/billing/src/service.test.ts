import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { append, headOf, migrateLog, type NewEntry, SharedLog } from '@plimsoll/eventlog'
import { createServer } from '@plimsoll/http'
import { Compile } from 'typebox/compile'
import { LinesAnswer, MonthAnswer, MonthsAnswer, RecomputeAnswer } from './contract.ts'
import { type Billing, createBilling } from './service.ts'
import { begun, entry, minute, visit } from './testing.ts'

const adminToken = 'admin-of-this-test'
const october = Date.UTC(2026, 9, 5, 12)
const november = Date.UTC(2026, 10, 5, 12)
const december = Date.UTC(2026, 11, 2)

describe('billing', () => {
  let log: Database
  let store: Database
  let billing: Billing
  let url: string
  let close: () => Promise<void>
  let today = november
  before(async () => {
    ;[log, store] = await Promise.all([openScratch(), openScratch()])
    await migrateLog(log)
    const shared = new SharedLog(log)
    const price = { unitPrice: 3, currency: 'EUR' }
    billing = await createBilling({ log, shared, store, price, adminToken, now: () => today })
    const app = await createServer({ title: 'Billing', version: '1' })
    await app.register(billing.routes)
    url = await app.listen({ host: '127.0.0.1', port: 0 })
    close = async () => {
      await app.close()
      await billing.stop()
      await Promise.all([log.close(), store.close()])
    }
    billing.start()
  })
  after(() => close())

  const write = (...entries: NewEntry[]) => log.transaction(tx => append(tx, entries))
  const ask = async (path: string, method = 'GET', headers: Record<string, string> = {}) => {
    const authorization = `Bearer ${adminToken}`
    const response = await fetch(url + path, { method, headers: { authorization, ...headers } })
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
  }
  const month = async (name: string) => (await ask(`/v1/billing/shop/${name}?consistency=billing`)).body

  it('counts a visit in the month in which it began, and what joins or moves it', async () => {
    const stream = randomUUID()
    const [first, second] = [visit(october), visit(october + 60 * minute)]
    await write(
      begun(october),
      begun(november),
      begun(november, { tenant: 'blog' }),
      entry(november, [visit(november), visit(november, november + minute)]),
      entry(october, [null, first], { stream }),
      entry(october, [first, [first, second]], { stream }),
      entry(october, null)
    )
    const apart = await month('2026-10')
    assert.ok(Compile(MonthAnswer).Check(apart))
    assert.deepEqual([apart.sessions, apart.state, apart.amount, apart.freshness.complete], [3, 'open', 9, true])
    // A late event between the two makes one of them; another one shows that it began in September.
    await write(
      entry(october, [[first, second], visit(october, october + 60 * minute)], { stream }),
      entry(october, [visit(october, october + 60 * minute), visit(Date.UTC(2026, 8, 30, 23, 59, 59, 999))], { stream })
    )
    assert.equal((await month('2026-10')).sessions, 1)
    const { body } = await ask('/v1/billing/shop')
    assert.ok(Compile(MonthsAnswer).Check(body))
    assert.deepEqual(
      body.months.map((m: { month: string; sessions: number }) => [m.month, m.sessions]),
      [
        ['2026-11', 1],
        ['2026-10', 1],
        ['2026-09', 1]
      ]
    )
    assert.equal((await month('2026-01')).sessions, 0)
  })

  it('invoices a month that is over, once, and corrects it by adding', async () => {
    assert.deepEqual((await ask('/v1/billing/shop/2026-11/invoice', 'POST')).body.code, 'month_not_over')
    await write(begun(october))
    const made = await ask('/v1/billing/shop/2026-10/invoice', 'POST')
    assert.deepEqual([made.status, made.body.sessions, made.body.invoice.amount], [201, 2, 6], 'all that was committed')
    const again = await ask('/v1/billing/shop/2026-10/invoice', 'POST')
    assert.deepEqual([again.status, again.body.invoice], [200, made.body.invoice])
    const late = begun(october + minute)
    const deleted = entry(october, [visit(october), null])
    await write(late, deleted, begun(october + minute), begun(november))
    const now = await month('2026-10')
    assert.deepEqual(now.invoice, made.body.invoice)
    assert.deepEqual(now.corrections, { entries: 3, sessions: 1, amount: 3 })
    assert.deepEqual([now.sessions, now.amount, now.state], [3, 9, 'invoiced'])
    const { body } = await ask('/v1/billing/shop/2026-10/entries?limit=3')
    assert.ok(Compile(LinesAnswer).Check(body))
    assert.deepEqual(
      body.entries.map((line: { kind: string; event: string | null; amount: number }) => [
        line.kind,
        line.event,
        line.amount
      ]),
      [
        ['invoice', null, 6],
        ['correction', late.id, 3],
        ['correction', deleted.id, -3]
      ]
    )
    const rest = await ask(`/v1/billing/shop/2026-10/entries?after=${body.next}`)
    assert.deepEqual([rest.body.entries.length, rest.body.next], [1, null])
  })

  it('has a ledger that the database itself lets nobody change', async () => {
    for (const sql of [
      'update billing.ledger set at = now()',
      'delete from billing.ledger',
      'truncate billing.ledger'
    ]) {
      await assert.rejects(store.exec(sql), /only added to/)
    }
  })

  it('says whether the log could not be asked how far it goes, or did not say so in time', async t => {
    // The subscriber reads the same log, and goes on.
    const query = log.query.bind(log)
    let answer: () => Promise<never> = () => Promise.reject(new Error('the log is away'))
    t.mock.method(log, 'query', (sql: string, parameters?: unknown[]) =>
      sql.includes('order by e.xid desc') ? answer() : query(sql, parameters)
    )
    const path = '/v1/billing/shop/2026-10?consistency=billing'
    const away = await ask(path)
    assert.deepEqual([away.status, away.body.code], [503, 'log_unavailable'])
    answer = () => new Promise(() => undefined)
    const slow = await ask(path, 'GET', { 'x-request-deadline': '0' })
    assert.deepEqual([slow.status, slow.body.code], [503, 'log_slow'])
  })

  it('waits for a position for as long as its caller has, and never gives less', async () => {
    const before = await headOf(log)
    const far = await ask(`/v1/billing/shop/2026-10?minPosition=${before.xid}.${before.position + 1_000_000}`)
    assert.deepEqual([far.status, far.body.code], [400, 'unknown_position'])
    const held = Promise.withResolvers<void>()
    billing.subscriber.interfere(() => held.promise)
    await write(begun(november))
    const { xid, position } = await headOf(log)
    const path = `/v1/billing/shop/2026-11?minPosition=${xid}.${position}`
    // It bounds the question for the end of the log as well, which is to be answered.
    const late = await ask(path, 'GET', { 'x-request-deadline': '2000' })
    assert.deepEqual([late.status, late.body.code], [503, 'position_not_reached'])
    assert.equal(late.headers.get('content-type'), 'application/problem+json; charset=utf-8')
    billing.subscriber.interfere(undefined)
    held.resolve()
    const { body } = await ask(path)
    assert.equal(body.sessions, 3)
    assert.equal(body.freshness.position, `${xid}.${position}`)
  })

  it('does not invoice while something waits behind a failure, and counts it when that is mended', async () => {
    today = december
    const odd = entry(november, { not: 'agreed' })
    await write(odd, begun(november))
    assert.equal((await month('2026-11')).sessions, 4)
    const refused = await ask('/v1/billing/shop/2026-11/invoice', 'POST')
    assert.deepEqual([refused.status, refused.body.code], [409, 'billing_incomplete'])
    const [letter] = await billing.subscriber.deadLetters.list()
    assert.equal(letter!.id, odd.id)
    await billing.subscriber.deadLetters.discard(letter!.number, 'it never was a session')
    assert.equal((await ask('/v1/billing/shop/2026-11/invoice', 'POST')).status, 201)
    assert.equal((await ask('/v1/billing/recompute', 'POST')).body.equal, true, 'a replay cannot take it either')
  })

  it('is for the admin, and a bad question is a problem', async () => {
    const bare = await fetch(`${url}/v1/billing/shop/2026-10`)
    assert.deepEqual([bare.status, ((await bare.json()) as { code: string }).code], [401, 'unauthorized'])
    const key = await ask('/v1/billing/shop', 'GET', { authorization: 'Bearer plk_x' })
    assert.equal(key.body.code, 'write_key_cannot_read')
    for (const path of [
      '/shop/2026-13',
      '/Shop',
      '/shop/2026-10?minPosition=07.1',
      '/shop/2026-10?consistency=strong'
    ]) {
      assert.deepEqual((await ask(`/v1/billing${path}`)).body.code, 'invalid_request', path)
    }
  })

  it('documents each route, with how it refuses', async () => {
    const { body } = await ask('/openapi.json')
    const routes = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.entries(methods as Record<string, { responses: object }>).map(([method, { responses }]) => [
        `${method} ${path}`,
        Object.keys(responses)
      ])
    )
    const documented = Object.fromEntries(routes)
    assert.deepEqual(Object.keys(documented).sort(), [
      'get /v1/billing/{project}',
      'get /v1/billing/{project}/{month}',
      'get /v1/billing/{project}/{month}/entries',
      'post /v1/billing/recompute',
      'post /v1/billing/{project}/{month}/invoice'
    ])
    for (const status of ['200', '201', '400', '401', '403', '409', '503'])
      assert.ok(documented['post /v1/billing/{project}/{month}/invoice'].includes(status), status)
  })
})

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

describe('books that are made again from zero', () => {
  it('have the bytes of the live ones, whatever was invoiced when, however the log was cut; and a change shows', async () => {
    const [log, store] = await Promise.all([openScratch(), openScratch()])
    await migrateLog(log)
    const price = { unitPrice: 7, currency: 'EUR' }
    const make = () => createBilling({ log, shared: new SharedLog(log), store, price, adminToken, now: () => december })
    let billing = await make()
    const app = await createServer({ title: 'Billing', version: '1' })
    await app.register(billing.routes)
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const post = async (path: string) => {
      const response = await fetch(url + path, { method: 'POST', headers: { authorization: `Bearer ${adminToken}` } })
      assert.ok(response.ok, `${path}: ${response.status}`)
      return (await response.json()) as Record<string, unknown>
    }
    billing.start()
    const random = randomOf(20_261_128)
    const below = (n: number) => Math.floor(random() * n)
    const live: { stream: string; tenant: string; now: unknown[] }[] = []
    for (let round = 0; round < 14; round++) {
      const entries = Array.from({ length: 1 + below(80) }, () => {
        const at = Date.UTC(2026, 7 + below(4), 1 + below(28), below(24), below(60))
        const known = below(3) === 0 ? live[below(live.length)] : undefined
        if (!known) {
          const fresh = { stream: randomUUID(), tenant: `project-${below(3)}`, now: visit(at) as unknown[] }
          live.push(fresh)
          return entry(at, [null, fresh.now], { stream: fresh.stream, tenant: fresh.tenant })
        }
        const next = below(6) === 0 ? null : below(2) === 0 ? visit(at) : [visit(at), visit(at + 90 * minute)]
        const change = [known.now, next]
        if (next) known.now = next as unknown[]
        else live.splice(live.indexOf(known), 1)
        return entry(at, change, { stream: known.stream, tenant: known.tenant })
      })
      await log.transaction(tx => append(tx, entries))
      const months = ['08', '09', '10', '11']
      if (round % 2 === 1) await post(`/v1/billing/project-${round % 3}/2026-${months[(round >> 1) % 4]}/invoice`)
    }
    await billing.subscriber.settled()
    const { rows } = await store.query<{ kind: string; n: number }>(
      'select kind, count(*) as n from billing.ledger group by kind'
    )
    const lines = Object.fromEntries(rows.map(({ kind, n }) => [kind, n]))
    assert.ok(lines.invoice! >= 3 && lines.correction! >= 10, JSON.stringify(lines))
    const same = await post('/v1/billing/recompute')
    assert.ok(Compile(RecomputeAnswer).Check(same))
    assert.deepEqual([same.equal, same.live], [true, same.replayed])
    await billing.stop()

    // The same log into an empty store, in other steps, with the decisions as the only thing that was kept.
    const other = await openScratch()
    const second = await createBilling({ log, shared: new SharedLog(log), store: other, price, adminToken })
    second.start()
    await second.subscriber.settled()
    const usage = 'select * from billing.usage order by project, month'
    assert.deepEqual((await other.query(usage)).rows, (await store.query(usage)).rows)
    assert.equal((await second.recompute()).live, same.live, 'the ledger too, to the byte')
    await second.stop()
    await other.close()

    await store.exec(
      `update billing.usage set sessions = sessions + 1 where project = 'project-1' and month = '2026-09-01'`
    )
    billing = await make()
    const changed = await billing.recompute()
    assert.notEqual(changed.live, changed.replayed, 'one session more in one month')
    await app.close()
    await billing.stop()
    await Promise.all([log.close(), store.close()])
  })
})
