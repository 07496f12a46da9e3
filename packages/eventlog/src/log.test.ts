import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type Database, isUniqueViolation } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { type Cursor, type NewEntry, parseEntry, start } from './entry.ts'
import { append, entryKey, findDigests, findEntry, findReceipts, migrateLog, readLog, readPacked } from './log.ts'
import { entriesOf } from './segment.ts'
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

  it('gives the same as one piece of JSON, up to an end and from any place', async () => {
    const from = await end()
    const told = '{"position":7, "xid":"1",\n"text":"é \\"} \\u00e9 🚢","n":1e3}'
    const entries = [
      entry({ data: told, change: '[null,{"a":[]}]', subject: 'ann "a"\\ \t', tenant: 'é', type: 'a"b' }),
      entry({ data: null, stream: null, subject: null, change: null, time: -1 }),
      entry({ data: '"x"', time: Date.UTC(2285, 0, 1) }),
      entry()
    ]
    for (const one of entries) await db.transaction(tx => append(tx, [one]))
    const plain = (await readWholeLog(db, from)).map(parseEntry)
    const unpacked = ({ segment }: Awaited<ReturnType<typeof readPacked>>) =>
      segment ? entriesOf([{ first: null, entries: JSON.parse(new TextDecoder().decode(segment.entries)) }]) : []
    // On a server others may hold the end back for a moment.
    let all = await readPacked(db, from, 5)
    while (!all.whole) all = await readPacked(db, from, 5)
    assert.deepEqual(unpacked(all), plain)
    const placeOf = ({ xid, position }: Cursor) => ({ xid, position })
    assert.deepEqual(all.first, placeOf(plain[0]!))
    assert.deepEqual(all.segment!.last, { ...placeOf(plain[3]!), recordedAt: plain[3]!.recordedAt })
    assert.deepEqual([all.segment!.count, all.segment!.first], [4, null])
    const two = await readPacked(db, placeOf(plain[0]!), 2)
    assert.deepEqual([unpacked(two), two.whole], [plain.slice(1, 3), false])
    const before = await readPacked(db, placeOf(plain[0]!), 9, placeOf(plain[3]!))
    assert.deepEqual([unpacked(before), before.whole], [plain.slice(1, 3), true])
    const none = await readPacked(db, placeOf(plain[0]!), 9, placeOf(plain[1]!))
    assert.deepEqual(none, { segment: undefined, first: undefined, whole: true })
    assert.equal((await readPacked(db, placeOf(plain[3]!), 9)).segment, undefined)
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
    const { segment, first } = await readPacked(other, { xid: '8', position: 99 }, 9)
    assert.deepEqual(ids(JSON.parse(new TextDecoder().decode(segment!.entries))), ids(rows))
    assert.deepEqual([first!.xid, segment!.last.xid], ['9', '100'])
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
      assert.deepEqual(await readPacked(db, from, 100), { segment: undefined, first: undefined, whole: false })
      finish()
      await late
      assert.deepEqual(ids(await readWholeLog(db, from)), [slow.id, quick.id])
    })
  }
})
