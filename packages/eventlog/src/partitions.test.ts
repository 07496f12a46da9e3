import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Database, isUniqueViolation, migrate } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import fc from 'fast-check'
import type { NewEntry } from './entry.ts'
import { append, entryKey, findDigests, findEntry, findReceipts, migrateLog } from './log.ts'
import { bucketAt, bucketOf, cutBefore, keepPartitions, partitionMs } from './partitions.ts'
import { readWholeLog } from './testing.ts'

const day = 86_400_000
const now = Date.now()

/** A UUID of a version, with this time where a version 7 has it. */
function idAt(ms: number, version = 7): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-${version}${randomUUID().slice(15)}`
}

const entry = (id: string, over: Partial<NewEntry> = {}): NewEntry => ({
  tenant: 'ship',
  id,
  type: 'happened',
  time: now,
  stream: null,
  subject: null,
  digest: '1',
  data: null,
  change: null,
  ...over
})

describe('the partitions of the log', () => {
  let db: Database
  before(async () => {
    db = await openScratch()
    await migrateLog(db)
  })
  after(() => db.close())

  const write = (...ids: string[]) =>
    db.transaction(tx =>
      append(
        tx,
        ids.map(id => entry(id))
      )
    )
  const whereIs = async (id: string) =>
    (
      await db.query<{ partition: string }>(
        'select tableoid::regclass::text as partition from eventlog.entries where id = $1',
        [id]
      )
    ).rows[0]?.partition

  it('are told from the id alone, by the database as by this process', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uuid(), { minLength: 1, maxLength: 50 }), async ids => {
        const { rows } = await db.query<{ bucket: number }>(
          'select eventlog.bucket_of(id) as bucket from unnest($1::uuid[]) with ordinality as i(id, n) order by n',
          [ids]
        )
        assert.deepEqual(
          rows.map(({ bucket }) => bucket),
          ids.map(bucketOf)
        )
      }),
      { numRuns: 30 }
    )
    assert.equal(bucketOf(idAt(now)), bucketAt(now))
    assert.equal(bucketOf(idAt(now).toUpperCase()), bucketAt(now))
    assert.equal(bucketOf(idAt(now, 4)), -1)
  })

  it('hold each id by its time, ids of other kinds and of long ago in one that stays, and each is found again', async () => {
    const fresh = idAt(now)
    const lastMonth = idAt(now - 30 * day)
    const longAgo = idAt(Date.UTC(2015, 4, 17))
    const other = idAt(now, 4)
    const ahead = idAt(now + 1_000 * day)
    const ids = [fresh, lastMonth, longAgo, other, ahead]
    await write(...ids)
    assert.deepEqual(await Promise.all(ids.map(whereIs)), [
      `eventlog.entries_${bucketAt(now)}`,
      `eventlog.entries_${bucketAt(now - 30 * day)}`,
      'eventlog.entries_other',
      'eventlog.entries_other',
      'eventlog.entries_stray'
    ])
    const keys = ids.map(id => entryKey('ship', id)).sort()
    assert.deepEqual([...(await findDigests(db, ids)).keys()].sort(), keys)
    assert.deepEqual([...(await findReceipts(db, ids)).keys()].sort(), keys)
    for (const id of ids) {
      assert.ok(await findEntry(db, 'ship', id), id)
      await assert.rejects(write(id), isUniqueViolation, id)
    }
  })

  it('are made before their time; what had strayed is moved and still cannot be written twice', async () => {
    const then = now + 200 * day
    const early = idAt(then)
    await write(early)
    assert.equal(await whereIs(early), 'eventlog.entries_stray')
    const order = (await readWholeLog(db)).map(({ id }) => id)

    const { made } = await keepPartitions(db, { now: then })
    assert.deepEqual(
      made,
      [0, 1, 2].map(n => bucketAt(then) + n)
    )
    assert.deepEqual(await keepPartitions(db, { now: then }), { made: [], dropped: [] })
    assert.equal(await whereIs(early), `eventlog.entries_${bucketAt(then)}`)
    assert.deepEqual(
      (await readWholeLog(db)).map(({ id }) => id),
      order,
      'the order is that of before'
    )
    await assert.rejects(write(early), isUniqueViolation)
  })

  it('are made once when several ask at the same time', async () => {
    const then = now + 600 * day
    const all = await Promise.all([1, 2, 3].map(() => keepPartitions(db, { now: then })))
    assert.equal(all.flatMap(({ made }) => made).length, 3)
  })

  it('are dropped whole when all in them is too old, but not what was written of late, nor what has no time', async t => {
    const own = await openScratch()
    t.after(() => own.close())
    await migrateLog(own)
    const inOwn = (ids: string[]) =>
      own.transaction(tx =>
        append(
          tx,
          ids.map(id => entry(id))
        )
      )
    const old = idAt(now)
    const older = idAt(now - 30 * day)
    const other = idAt(now, 4)
    await inOwn([old, older, other])
    assert.equal(await cutBefore(own), undefined)
    // By their time they could go, but somebody may still be on the way to what was just recorded.
    const early = await keepPartitions(own, { now: now + 34 * day, keepMs: 1 })
    assert.ok(!early.dropped.includes(bucketAt(now - 30 * day)), String(early.dropped))

    const keepMs = 35 * day
    const { dropped } = await keepPartitions(own, { now: now + keepMs + partitionMs + day, keepMs })
    assert.ok(dropped.includes(bucketAt(now)), String(dropped))
    assert.equal(await cutBefore(own), (Math.max(...dropped) + 1) * partitionMs)
    assert.deepEqual([...(await findDigests(own, [old, older, other])).keys()], [entryKey('ship', other)])
    assert.deepEqual(
      (await readWholeLog(own)).map(({ id }) => id),
      [other]
    )
    const { rows } = await own.query<{ n: number }>(
      "select count(*)::int as n from pg_class where relname like 'entries_%' and relkind in ('r', 'i') and relname like $1",
      [`%${bucketAt(now)}%`]
    )
    assert.equal(rows[0]!.n, 0, 'neither table nor index is left')
    // What comes for it all the same has a place, so that a batch does not fail for it.
    await inOwn([idAt(now)])
  })

  it('take over a log that was written before there were any', async t => {
    const own = await openScratch()
    t.after(() => own.close())
    const directory = await mkdtemp(join(tmpdir(), 'plimsoll-log-'))
    t.after(() => rm(directory, { recursive: true }))
    await copyFile(new URL('./migrations/0001_log.sql', import.meta.url), join(directory, '0001_log.sql'))
    await migrate(own, 'eventlog', pathToFileURL(`${directory}/`))
    const ids = [idAt(now), idAt(now, 4), idAt(Date.UTC(2015, 4, 17)), idAt(now - 20 * day)]
    for (const id of ids)
      await own.query(
        `insert into eventlog.entries (tenant, id, type, time, digest, data) values ('ship', $1, 'happened', now(), 7, '{"n":1}')`,
        [id]
      )
    await migrateLog(own)
    const read = await readWholeLog(own)
    assert.deepEqual(
      read.map(({ id }) => id),
      ids
    )
    assert.equal(read[0]!.data, '{"n": 1}')
    await assert.rejects(
      own.transaction(tx => append(tx, [entry(ids[3]!)])),
      isUniqueViolation
    )
    const next = idAt(now)
    await own.transaction(tx => append(tx, [entry(next)]))
    const after = await readWholeLog(own)
    assert.equal(after.at(-1)!.id, next)
    assert.ok(after.at(-1)!.position > read.at(-1)!.position)
  })
})
