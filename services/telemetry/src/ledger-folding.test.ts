import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { manualClock } from '@plimsoll/resilience'
import { foldMinutes, ledgerFolding } from './ledger-folding.ts'
import { migrateTelemetry, readLedger } from './store.ts'

const minute = 60_000
const day = 86_400_000
/** The start of a day. */
const today = Date.UTC(2026, 10, 29)

describe('the ledger, folded', () => {
  let db: Database
  before(async () => {
    db = await openScratch()
    await migrateTelemetry(db)
  })
  after(() => db.close())

  /** A row a minute, each with other numbers, from `from` on. */
  const keep = (project: string, from: number, minutes: number, everyMs = minute) =>
    db.query(
      `insert into telemetry.ledger
       select $1, to_timestamp(($2::bigint + i * $4::bigint) / 1000), 10 + 4 * i, 4 + i, 3 + i, 2 + i, 1 + i
       from generate_series(0::bigint, $3::bigint - 1) i`,
      [project, from, minutes, everyMs]
    )
  const rowsOf = async (project: string) =>
    (
      await db.query<{ at: Date; received: number; balances: boolean }>(
        `select minute as at, received, received = accepted + duplicate + rejected + quarantined as balances
         from telemetry.ledger where project = $1 order by minute`,
        [project]
      )
    ).rows
  const foldAll = async (until: number) => {
    let folded = 0
    for (let batch = -1; batch !== 0; folded += batch) {
      batch = await foldMinutes(db, until)
      assert.ok(batch <= 1_000)
    }
    return folded
  }

  it('has the books that it had, with a row a day for what is old and the minutes of what is not', async () => {
    const old = today - 40 * day
    for (const project of ['one', 'two']) await keep(project, old, 1_200)
    // From the last minute of a day, and across the place of the cut.
    await keep('one', today - 35 * day - 60 * minute, 120)
    await keep('two', today - 36 * day + 7 * minute, 1)
    const books = [await readLedger(db, 'one'), await readLedger(db, 'two')]
    const until = today - 35 * day
    assert.equal(await foldAll(until), 1_199 + 1_199 + 60 + 1)

    assert.deepEqual([await readLedger(db, 'one'), await readLedger(db, 'two')], books)
    const rows = await rowsOf('one')
    assert.deepEqual(
      rows.slice(0, 3).map(({ at }) => at.getTime()),
      [old, until - day, until]
    )
    assert.equal(rows.length, 2 + 60)
    assert.deepEqual(
      (await rowsOf('two')).map(({ at }) => at.getTime()),
      [old, until - day]
    )
    for (const { balances } of [...rows, ...(await rowsOf('two'))]) assert.ok(balances)
  })

  it('is as it is when that is done again, and takes in what comes late to a day that is folded', async () => {
    const start = today - 50 * day
    await keep('late', start, 90)
    await foldAll(today)
    const once = await rowsOf('late')
    assert.equal(once.length, 1)
    assert.equal(await foldMinutes(db, today), 0)
    assert.deepEqual(await rowsOf('late'), once)
    // A spool that was drained only now.
    await keep('late', start + 600 * minute, 1)
    const books = await readLedger(db, 'late')
    assert.equal(await foldMinutes(db, today), 1)
    assert.deepEqual(await readLedger(db, 'late'), books)
    assert.deepEqual(
      (await rowsOf('late')).map(({ received }) => received),
      [once[0]!.received + 10]
    )
  })

  it('is right at every moment while several fold it at once, in pieces', async () => {
    await keep('pieces', today - 60 * day, 5_000)
    const { received } = await readLedger(db, 'pieces')
    const sums: number[] = []
    const folded = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const count = await foldMinutes(db, today - 50 * day)
        sums.push((await readLedger(db, 'pieces')).received)
        return count
      })
    )
    assert.ok(folded.every(count => count <= 1_000) && folded.some(count => count > 0))
    await foldAll(today - 50 * day)
    sums.push((await readLedger(db, 'pieces')).received)
    assert.deepEqual([...new Set(sums)], [received])
    assert.equal((await rowsOf('pieces')).length, 4)
  })

  it('is folded by itself, a minute after the start and then every hour', async () => {
    const clock = manualClock(today)
    await keep('kept', today - 36 * day, 300)
    const errors: unknown[] = []
    const folding = ledgerFolding(db, { clock, onError: error => errors.push(error) })
    folding.start()
    const isFolded = async () => (await rowsOf('kept')).length === 1
    assert.equal(await isFolded(), false)
    clock.advance(minute)
    while (!(await isFolded())) await new Promise(setImmediate)
    await keep('kept', today - 36 * day + 400 * minute, 5)
    clock.advance(60 * minute)
    while (!(await isFolded())) await new Promise(setImmediate)
    await folding.stop()
    assert.deepEqual([errors, clock.pending], [[], 0])
  })

  it('tells of a failure and tries again', async () => {
    const clock = manualClock(today)
    const errors: unknown[] = []
    const lost = { query: async () => Promise.reject(new Error('lost')) } as unknown as Database
    const folding = ledgerFolding(lost, { clock, onError: error => errors.push(error) })
    folding.start()
    clock.advance(minute)
    while (errors.length < 1) await new Promise(setImmediate)
    clock.advance(60 * minute)
    while (errors.length < 2) await new Promise(setImmediate)
    await folding.stop()
  })
})
