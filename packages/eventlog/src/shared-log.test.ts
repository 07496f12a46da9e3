import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { Database, Queryable } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { type Cursor, type LogEntry, type NewEntry, start } from './entry.ts'
import { append, headOf, migrateLog, readLog } from './log.ts'
import { Projection, readStep, type Step, stepBytes } from './projection.ts'
import { SharedLog } from './shared-log.ts'

const entry = (): NewEntry => ({
  tenant: 't',
  id: randomUUID(),
  type: 'x',
  time: 5,
  stream: null,
  subject: null,
  digest: '7',
  data: null,
  change: null
})

describe('readers that share the log', () => {
  let log: Database
  let store: Database
  /** Entries that statements of the log's database gave, whoever asked. */
  let read = 0
  before(async () => {
    ;[log, store] = await Promise.all([openScratch(), openScratch()])
    await Promise.all([migrateLog(log), Projection.migrate(store)])
  })
  after(() => Promise.all([log.close(), store.close()]))

  const write = (n: number) => log.transaction(tx => append(tx, Array.from({ length: n }, entry)))
  /** The same database, with what is read of the log counted. */
  const counted = (): Database =>
    new Proxy(log, {
      get(target, name) {
        if (name === 'query') {
          return async (...asked: Parameters<Queryable['query']>) => {
            const answer = await target.query<{ count: number }>(...asked)
            // What is above the horizon is looked at again and again, and not given.
            if (asked[0].includes('from eventlog.entries')) read += answer.rows[0]!.count
            return answer
          }
        }
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
  const idsOf = (step: Step) => readStep(stepBytes(step)).entries.map(({ id }) => id)

  it('five subscribers cost the log one read of the data, and none of what is committed beside them', async t => {
    for (let n = 0; n < 5; n++) await write(1_000)
    const shared = new SharedLog(counted())
    const seen = new Map<string, string[]>()
    const five = ['a', 'b', 'c', 'd', 'e'].map((name, i) => {
      seen.set(name, [])
      return new Projection({
        name,
        log: shared,
        store,
        batch: 500 * (i + 1),
        paceMs: 0,
        // Embedded each commit is heard; a look by time could queue behind one, and read what is given anyway.
        ...(log.engine === 'pglite' && { pollMs: 60_000 }),
        advance: async step => {
          seen.get(name)!.push(...idsOf(step))
        }
      })
    })
    t.after(() => Promise.all(five.map(each => each.stop())))
    for (const each of five) each.start()
    await Promise.all(five.map(each => each.settled()))
    for (const ids of seen.values()) assert.equal(new Set(ids).size, 5_000)
    // On a server that others use too, their transactions hold the end of the log back, and readers come to it one by one:
    // there it is never more than each by itself, and mostly far less.
    const [most, mostBeside] = log.engine === 'pglite' ? [7_000, 0] : [25_000, 10_000]
    assert.ok(read >= 5_000 && read <= most, `${read} entries were read for five times 5,000`)
    const before = read
    for (let n = 0; n < 10; n++) await write(200)
    await Promise.all(five.map(each => each.settled()))
    const whole = seen.get('a')!
    assert.equal(new Set(whole).size, 7_000)
    for (const ids of seen.values()) assert.deepEqual(ids, whole, 'each has all of it, once, in the order of the log')
    const more = log.engine === 'pglite' ? 0 : 2_000
    assert.ok(read - before >= more && read - before <= mostBeside, `${read - before} of 2,000 were read`)
    assert.equal(shared.reads.given, 35_000)
  })

  if (!process.env.PLIMSOLL_DATABASE_URL) {
    it('has who stands in the middle of what is held read up to the next of it, and no further', async () => {
      const shared = new SharedLog(counted())
      const slow = shared.reader()
      const stop = shared.onCommit(() => undefined)
      const from = await headOf(log)
      for (let n = 0; n < 3; n++) await write(100)
      const { entries } = await readLog(log, from, 300)
      const middle = entries[49]!
      const before = read
      const reader = shared.reader()
      const { segments } = await reader.read(middle, 60)
      assert.deepEqual([segments.map(({ count }) => count), read - before], [[50, 100], 50])
      const rest = await reader.read(segments.at(-1)!.last, 60)
      assert.deepEqual([rest.segments.map(({ count }) => count), read - before], [[100], 50])
      slow.close()
      reader.close()
      stop()
    })

    it('holds no more bytes than it may, however few the entries: who is behind those reads for itself', async () => {
      const heavy = () => ({ ...entry(), data: JSON.stringify('x'.repeat(10_000)) })
      const shared = new SharedLog(counted(), 50_000)
      const slow = shared.reader()
      const stop = shared.onCommit(() => undefined)
      const from = await headOf(log)
      for (let n = 0; n < 10; n++) await log.transaction(tx => append(tx, [heavy()]))
      const before = read
      const { segments } = await slow.read(from, 10)
      assert.equal(
        segments.reduce((sum, { count }) => sum + count, 0),
        10
      )
      // Four entries of some 10,200 bytes are 50,000 at most.
      assert.equal(read - before, 6)
      slow.close()
      stop()
    })
  }

  it('gives everything once and in order to whoever begins anywhere, while others write', async () => {
    const shared = new SharedLog(log, 100_000)
    const stop = shared.onCommit(() => undefined)
    const from = async (cursor: Cursor, limit: number, until: () => boolean) => {
      const reader = shared.reader()
      const found: LogEntry[] = []
      for (let at = cursor; ; ) {
        const over = until()
        const { segments, caughtUp } = await reader.read(at, limit)
        found.push(...readStep(stepBytes({ name: 'x', from: at, to: at, segments })).entries)
        at = segments.at(-1)?.last ?? at
        if (over && caughtUp) return found
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    let written = false
    const writing = (async () => {
      for (let n = 0; n < 30; n++) {
        await write(1 + ((n * 37) % 90))
        // A number that is lost: what is committed next does not stand right behind.
        const failed = log.transaction(async tx => {
          await append(tx, [entry()])
          throw new Error('not this one')
        })
        await assert.rejects(failed)
      }
      written = true
    })()
    const whole = from(start, 100, () => written)
    const others = [1, 3_000, 350].map(limit => from(start, limit, () => written))
    await writing
    const ids = (await whole).map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
    for (const other of await Promise.all(others))
      assert.deepEqual(
        other.map(({ id }) => id),
        ids
      )
    const half = (await whole)[3_333]!
    const late = await from(half, 90, () => true)
    assert.deepEqual(
      late.map(({ id }) => id),
      ids.slice(3_334)
    )
    stop()
  })
})
