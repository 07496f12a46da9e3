import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { bucketAt, migrateLog } from '@plimsoll/eventlog'
import { manualClock } from '@plimsoll/resilience'
import { keptFrom, leastKeptMs, openRetention } from './retention.ts'

const day = 86_400_000

const buckets = async (database: Database) =>
  (await database.query<{ bucket: number }>('select bucket from eventlog.partitions order by bucket')).rows.map(
    ({ bucket }) => bucket
  )

describe('retention', () => {
  it('keeps partitions ahead as time goes by, and lets those go that nothing can be sent for any more', async () => {
    const database = await openScratch()
    await migrateLog(database)
    const clock = manualClock(Date.now())
    const errors: unknown[] = []
    const keepMs = 100 * day
    const retention = await openRetention(database, { clock, keepMs, onError: error => errors.push(error) })
    const first = await buckets(database)
    assert.ok(first.includes(bucketAt(clock.wallNow()) + 2))
    retention.start()
    clock.advance(300 * day)
    await retention.stop()
    const later = await buckets(database)
    assert.ok(later.includes(bucketAt(clock.wallNow()) + 2))
    assert.ok(!later.includes(first[0]!))
    assert.ok(later[0]! <= bucketAt(keptFrom(clock.wallNow(), keepMs)), 'nothing is gone that is still let in')
    assert.deepEqual(errors, [])
    assert.equal(clock.pending, 0)
    await database.close()
  })

  it('refuses to forget a key before its event can no longer be sent again', async () => {
    const database = await openScratch()
    await migrateLog(database)
    const options = { clock: manualClock(), onError: assert.fail }
    await assert.rejects(openRetention(database, { ...options, keepMs: leastKeptMs - 1 }), RangeError)
    await assert.rejects(openRetention(database, { ...options, keepMs: Number.NaN }), RangeError)
    await database.close()
  })

  it('tells of a failure and lets the service start all the same', async () => {
    const database = await openScratch()
    const errors: unknown[] = []
    const retention = await openRetention(database, { clock: manualClock(), onError: error => errors.push(error) })
    assert.match(String(errors), /eventlog\.partitions/)
    await retention.stop()
    await database.close()
  })
})
