import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { append, headOf, keepPartitions, migrateLog, type NewEntry, partitionMs, SharedLog } from '@plimsoll/eventlog'
import { createServer } from '@plimsoll/http'
import { type Clock, systemClock } from '@plimsoll/resilience'
import { decide, readDecisions } from './decisions.ts'
import { endOf } from './ledger/sessions.ts'
import { type Billing, BooksCutError, createBilling } from './service.ts'
import { addLines, migrateBilling, readMonthNow } from './store.ts'
import { begun, entry, minute, visit } from './testing.ts'

const adminToken = 'admin-of-this-test'
const price = { unitPrice: 3, currency: 'EUR' }
const september = Date.UTC(2026, 8, 5, 12)
const october = Date.UTC(2026, 9, 5, 12)
const december = Date.UTC(2026, 11, 2)

interface Run {
  billing: Billing
  store: Database
  ask(path: string, method?: string): Promise<{ status: number; body: ReturnType<typeof JSON.parse> }>
  /** All lines of the ledger and all counts, once all that was written is in. */
  books(): Promise<object>
  stop(): Promise<void>
}

interface Began {
  log: Database
  open(): Promise<Database>
  write(...entries: NewEntry[]): Promise<void>
  /** Billing on the log, with a ledger of its own: empty, unless one is given. */
  run(store?: Database, over?: { errors?: unknown[]; clock?: Clock; today?: number }): Promise<Run>
}

async function begin(later: (close: () => Promise<void>) => void): Promise<Began> {
  const opened: Database[] = []
  const running = new Set<() => Promise<void>>()
  later(async () => {
    for (const stop of running) await stop()
    for (const database of opened) await database.close()
  })
  const openNew = async () => {
    const database = await openScratch()
    opened.push(database)
    return database
  }
  const log = await openNew()
  await migrateLog(log)
  return {
    log,
    open: openNew,
    write: (...entries) => log.transaction(tx => append(tx, entries)),
    async run(given, { errors = [], clock = systemClock, today = december } = {}) {
      const store = given ?? (await openNew())
      const shared = new SharedLog(log)
      const onError = (error: unknown) => errors.push(error)
      const billing = await createBilling({ log, shared, store, price, adminToken, clock, now: () => today, onError })
      const app = await createServer({ title: 'Billing', version: '1' })
      await app.register(billing.routes)
      billing.start()
      const stop = async () => {
        if (!running.delete(stop)) return
        await app.close()
        await billing.stop()
      }
      running.add(stop)
      return {
        billing,
        store,
        stop,
        async ask(url, method = 'GET') {
          const headers = { authorization: `Bearer ${adminToken}` }
          const answer = await app.inject({ url, method: method as 'GET', headers })
          return { status: answer.statusCode, body: answer.json() }
        },
        async books() {
          await billing.subscriber.settled()
          const [ledger, usage] = await Promise.all([
            store.query(
              'select l.*, l.xid::text as xid from billing.ledger l order by project, month, l.xid, position'
            ),
            store.query('select * from billing.usage order by project, month')
          ])
          return { ledger: ledger.rows, usage: usage.rows }
        }
      }
    }
  }
}

/** Its transactions are undone at their end so many times, as by a kill or a lost connection. */
function undoing(store: Database): Database & { times: number } {
  const undone = Object.create(store) as Database & { times: number }
  undone.times = 0
  undone.transaction = (work, options) =>
    store.transaction(async tx => {
      const result = await work(tx)
      if (undone.times-- > 0) throw new Error('the process was killed before the commit')
      return result
    }, options)
  for (const name of ['query', 'exec', 'copyIn', 'call', 'listen', 'statistics', 'close', 'commit'] as const)
    undone[name] = store[name].bind(store) as never
  return undone
}

describe('an invoice', () => {
  let began: Began
  let store: Database
  let close: () => Promise<void>
  before(async () => {
    const closing: (() => Promise<void>)[] = []
    began = await begin(step => closing.push(step))
    store = await began.open()
    close = async () => {
      for (const step of closing) await step()
    }
  })
  after(() => close())

  it('stands once it is decided on: what was cut off before the ledger had it is put in at the next start', async () => {
    const { log, write, run } = began
    const first = await run(store)
    const [ours, others] = [{ tenant: 'cut-off' }, { tenant: 'others' }]
    await write(begun(october, ours), begun(october, ours))
    await first.books()
    const { xid, position } = await headOf(log)
    const line = { project: 'cut-off', month: '2026-10-01', xid, position, sessions: 2, amount: 6, at: december }
    await decide(log, { ...line, ...price, kind: 'invoice', event: null }, 'test')
    // Others go on before anybody looks, and what they count is behind the invoice.
    const late = begun(october + minute, ours)
    await write(late, begun(september, ours), begun(october, others), entry(october, 'odd', others))
    await first.books()
    await first.stop()
    const parked = await run(store)
    assert.equal((await parked.ask('/v1/billing/cut-off/2026-10')).body.invoice, null, 'what waits is counted first')
    const [letter] = await parked.billing.subscriber.deadLetters.list()
    await parked.billing.subscriber.deadLetters.discard(letter!.number, 'it never was a session')
    await parked.stop()

    const second = await run(store)
    const { body } = await second.ask('/v1/billing/cut-off/2026-10')
    assert.deepEqual([body.invoice.sessions, body.corrections.entries, body.sessions], [2, 1, 3])
    const { entries } = (await second.ask('/v1/billing/cut-off/2026-10/entries')).body
    assert.deepEqual(
      entries.map((one: { event: string | null }) => one.event),
      [null, late.id]
    )
    const { complete, live, replayed } = await second.billing.recompute()
    assert.deepEqual([complete, live], [true, replayed])
    await second.stop()
  })

  it('is in the ledger soon where the second half failed and the process lives on, and is not made twice', async () => {
    const { log, write, run } = began
    const failing = undoing(store)
    const due = Promise.withResolvers<() => void>()
    const clock: Clock = {
      ...systemClock,
      // The one that waits for a second is the one that settles.
      setTimer: (task, ms) => (ms === 1_000 ? due.resolve(task) : systemClock.setTimer(task, ms))
    }
    const one = await run(failing, { clock })
    const october10 = '/v1/billing/lives-on/2026-10'
    const session = (at: number) => begun(at, { tenant: 'lives-on' })
    await write(session(october))
    await one.books()
    failing.times = 1
    assert.equal((await one.ask(`${october10}/invoice`, 'POST')).status, 500)
    assert.equal((await one.ask(october10)).body.invoice, null)
    const decided = await readDecisions(log)
    assert.equal(decided.find(({ project }) => project === 'lives-on')!.sessions, 1)
    await write(session(october))
    await one.books()
    const settle = await due.promise
    settle()
    for (const until = performance.now() + 60_000; ; ) {
      const { body } = await one.ask(october10)
      if (body.invoice !== null) {
        assert.deepEqual([body.invoice.sessions, body.corrections.entries, body.amount], [1, 1, 6])
        break
      }
      assert.ok(performance.now() < until, 'it never came')
    }
    assert.equal((await one.ask(`${october10}/invoice`, 'POST')).status, 200)
    // Whoever asks next is given what was decided, whatever is counted by then.
    failing.times = 1
    const september09 = '/v1/billing/lives-on/2026-09/invoice'
    assert.equal((await one.ask(september09, 'POST')).status, 500)
    await write(session(september))
    const asked = await one.ask(september09, 'POST')
    assert.deepEqual([asked.status, asked.body.invoice.sessions, asked.body.sessions], [200, 0, 1])
    const { complete, live, replayed } = await one.billing.recompute()
    assert.deepEqual([complete, live], [true, replayed])
    await one.stop()
  })

  if (process.env.PLIMSOLL_DATABASE_URL) {
    it('is read with the corrections that came with it, or not at all', async () => {
      const own = await began.open()
      await migrateBilling(own)
      const line = {
        project: 'one-moment',
        month: '2026-10-01',
        xid: '1',
        ...price,
        sessions: 1,
        amount: 3,
        at: december
      }
      const lines = [
        { ...line, position: 1, kind: 'invoice' as const, event: null },
        { ...line, position: 2, kind: 'correction' as const, event: randomUUID() }
      ]
      // They are committed when the corrections have been asked for, and nothing else yet.
      const committed = Promise.withResolvers<void>()
      const between = Object.create(own) as Database
      between.transaction = (work, options) =>
        own.transaction(
          tx =>
            work({
              ...tx,
              async query(sql, parameters) {
                const isFirst = sql.includes("'correction'")
                if (!isFirst) await committed.promise
                const answer = await tx.query<never>(sql, parameters)
                if (isFirst) await own.transaction(other => addLines(other, lines)).then(committed.resolve)
                return answer
              }
            }),
          options
        )
      const { invoice, corrections } = await readMonthNow(between, 'one-moment', '2026-10-01')
      assert.deepEqual([invoice, corrections.entries], [undefined, 0])
      const after = await readMonthNow(own, 'one-moment', '2026-10-01')
      assert.deepEqual([after.invoice?.amount, after.corrections.entries], [3, 1])
    })
  }

  it('outlives the ledger: made again from the log and the decisions, it has the bytes that it had', async () => {
    const { log, write, run } = began
    const first = await run(store)
    await write(begun(september), begun(october), begun(october, { tenant: 'blog' }), begun(october + minute))
    assert.equal((await first.ask('/v1/billing/shop/2026-10/invoice', 'POST')).status, 201)
    await write(begun(october), entry(october, [visit(october), null]), begun(september), begun(december - minute))
    for (const month of ['shop/2026-09', 'blog/2026-10'])
      assert.equal((await first.ask(`/v1/billing/${month}/invoice`, 'POST')).status, 201)
    await write(begun(september + minute), begun(october, { tenant: 'blog' }), entry(october, null))
    const before = await first.books()
    const { live } = await first.billing.recompute()
    await first.stop()

    const again = await run()
    assert.deepEqual(await again.books(), before)
    const recomputed = await again.billing.recompute()
    assert.deepEqual([recomputed.live, recomputed.replayed, recomputed.complete], [live, live, true])
    const asked = await again.ask('/v1/billing/shop/2026-10/invoice', 'POST')
    assert.deepEqual([asked.status, asked.body.invoice.sessions, asked.body.corrections.entries], [200, 2, 2])
    for (const sql of ['update billing_decisions.invoices set at = now()', 'delete from billing_decisions.invoices'])
      await assert.rejects(log.exec(sql), /only added to/)
    await again.stop()

    // From before decisions were kept: what only the ledger knows is told to the primary store.
    const decisions = await readDecisions(log)
    await log.exec('drop schema billing_decisions cascade')
    await log.exec("delete from plimsoll_migrations where owner = 'billing_decisions'")
    await (await run(store)).stop()
    assert.deepEqual(await readDecisions(log), decisions)
  })

  it('is whole also where the log is not: then it says which months cannot be counted, and bills none of them', async t => {
    const { log, write, run } = await begin(step => t.after(step))
    await keepPartitions(log, { now: Date.now() })
    const { rows } = await log.query<{ first: number }>('select min(bucket) as first from eventlog.partitions')
    const { first: oldest } = rows[0]!
    const lowest = (oldest + 1) * partitionMs
    const monthOf = (ms: number) => new Date(ms).toISOString().slice(0, 7)
    const [older, newer] = [lowest - 40 * 86_400_000, lowest + 40 * 86_400_000]
    const today = endOf(`${monthOf(newer)}-01`) + minute
    const at = (ms: number) => begun(ms, { id: idAt(ms) })
    const first = await run(undefined, { today })
    await write(at(older), at(older), at(lowest + minute), at(newer))
    const path = `/v1/billing/shop/${monthOf(older)}`
    assert.equal((await first.ask(`${path}/invoice`, 'POST')).status, 201)
    await write(begun(older, { id: idAt(newer) }))
    await first.books()
    await first.stop()
    // What retention does when the time has come.
    await log.exec(`drop table eventlog.entries_${oldest}; delete from eventlog.partitions where bucket = ${oldest}`)

    const errors: unknown[] = []
    const again = await run(undefined, { errors, today })
    await again.books()
    assert.ok(errors[0] instanceof BooksCutError && errors.length === 1)
    const { body } = await again.ask(path)
    assert.deepEqual([body.invoice.sessions, body.corrections.entries, body.sessions], [2, 1, 3])
    assert.equal(body.freshness.complete, false)
    assert.equal((await again.ask('/v1/billing/shop')).body.freshness.complete, false)
    const cut = await again.ask(`/v1/billing/shop/${monthOf(lowest - 1)}/invoice`, 'POST')
    assert.deepEqual([cut.status, cut.body.code], [409, 'log_cut'])
    const whole = await again.ask(`/v1/billing/shop/${monthOf(newer)}?consistency=billing`)
    assert.deepEqual([whole.body.sessions, whole.body.freshness.complete], [1, true])
    assert.equal((await again.ask(`/v1/billing/shop/${monthOf(newer)}/invoice`, 'POST')).status, 201)
    assert.equal((await again.ask('/v1/billing/recompute', 'POST')).body.code, 'log_cut')
    await again.stop()
    const later = await run(again.store, { errors, today })
    assert.equal((await later.ask(path)).body.freshness.complete, false)
    assert.equal(errors.length, 1, 'it is told when the books begin')
  })
})

/** A UUID of version 7 with this time. */
function idAt(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7${randomUUID().slice(15)}`
}
