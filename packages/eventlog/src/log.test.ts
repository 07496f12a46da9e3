import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type Database, isUniqueViolation } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { type Cursor, type NewEntry, parseEntry, start } from './entry.ts'
import { append, entryKey, findDigests, findEntry, findReceipts, migrateLog, readLog } from './log.ts'
import { readWholeLog } from './testing.ts'

const entry = (over: Partial<NewEntry> = {}): NewEntry => ({
  tenant: 'ship',
  id: randomUUID(),
  type: 'happened',
  time: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  stream: randomUUID(),
  subject: 'user',
  digest: '-42',
  data: '{"n":1}',
  change: null,
  ...over
})

describe('the log', () => {
  let db: Database
  before(async () => {
    db = await openScratch()
    await migrateLog(db)
  })
  after(() => db.close())

  const ids = (entries: readonly { id: string }[]) => entries.map(({ id }) => id)
  const end = async (): Promise<Cursor> => (await readWholeLog(db)).at(-1) ?? start

  it('gives back what was appended, in order, from any place', async () => {
    const from = await end()
    const entries = [
      entry(),
      entry({ data: null, stream: null, subject: null, change: '[null,[1,"tab\\t"]]' }),
      entry()
    ]
    await db.transaction(tx => append(tx, entries))
    const read = await readWholeLog(db, from)
    assert.deepEqual(ids(read), ids(entries))
    assert.equal(read[0]!.time, Date.UTC(2026, 0, 2, 3, 4, 5, 678))
    assert.deepEqual(parseEntry(read[0]!).data, { n: 1 })
    assert.deepEqual(parseEntry(read[1]!).change, [null, [1, 'tab\t']])
    const first = await readLog(db, from, 1)
    assert.deepEqual([ids(first.entries), first.caughtUp], [ids(entries.slice(0, 1)), false])
    assert.deepEqual(ids(await readWholeLog(db, first.entries[0])), ids(entries.slice(1)))
  })

  it('refuses an id twice in one tenant and allows it in two', async () => {
    const once = entry()
    await db.transaction(tx => append(tx, [once]))
    await assert.rejects(
      db.transaction(tx => append(tx, [entry(), once])),
      isUniqueViolation
    )
    await db.transaction(tx => append(tx, [{ ...once, tenant: 'other', digest: '7' }]))
    const found = await findDigests(db, [once.id, randomUUID()])
    assert.deepEqual(
      [...found].sort(),
      [
        [entryKey('other', once.id), '7'],
        [entryKey('ship', once.id), '-42']
      ].sort()
    )
    assert.equal((await findEntry(db, 'other', once.id))?.digest, '7')
    assert.equal(await findEntry(db, 'nobody', once.id), undefined)
    const receipts = await findReceipts(db, [once.id, randomUUID()])
    assert.deepEqual([...receipts.keys()].sort(), [entryKey('other', once.id), entryKey('ship', once.id)].sort())
    assert.ok([...receipts.values()].every(at => Math.abs(at - Date.now()) < 600_000))
  })

  it('orders by the number of the transaction, not by its digits', async () => {
    const other = await openScratch()
    await migrateLog(other)
    const rows = ['9', '10', '99', '100'].map(xid => ({ xid, id: randomUUID() }))
    for (const { xid, id } of rows.toReversed()) {
      await other.query(
        "insert into eventlog.entries (bucket, xid, tenant, id, type, time, digest) values (-1, $1::text::xid8, 't', $2, 'x', now(), 0)",
        [xid, id]
      )
    }
    assert.deepEqual(ids(await readWholeLog(other)), ids(rows))
    await other.close()
  })

  if (process.env.PLIMSOLL_DATABASE_URL) {
    it('never skips a late committer: what is behind a slower transaction waits for it', async () => {
      const from = await end()
      const slow = entry()
      const quick = entry()
      let finish!: () => void
      const held = new Promise<void>(resolve => {
        finish = resolve
      })
      let begun!: () => void
      const started = new Promise<void>(resolve => {
        begun = resolve
      })
      const late = db.transaction(async tx => {
        await append(tx, [slow])
        begun()
        await held
      })
      await started
      await db.transaction(tx => append(tx, [quick]))
      const meanwhile = await readLog(db, from, 100)
      assert.deepEqual(meanwhile.entries, [], 'the quick one is committed but above the horizon')
      assert.equal(meanwhile.caughtUp, false, 'and the reader is told so')
      finish()
      await late
      assert.deepEqual(ids(await readWholeLog(db, from)), [slow.id, quick.id])
    })
  }
})
