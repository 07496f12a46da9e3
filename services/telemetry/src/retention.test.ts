import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { bucketAt, migrateLog } from '@plimsoll/eventlog'
import { manualClock } from '@plimsoll/resilience'
import { keptFrom, leastKeptMs, openRetention } from './retention.ts'
import { runTelemetry } from './testing.ts'

const day = 86_400_000

const buckets = async (database: Database) =>
  (await database.query<{ bucket: number }>('select bucket from eventlog.partitions order by bucket')).rows.map(
    ({ bucket }) => bucket
  )

describe('retention', () => {
  it('keeps partitions ahead as time goes by, and lets those go that nothing can be sent for any more', async t => {
    const database = await openScratch()
    t.after(() => database.close())
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
  })

  it('refuses over HTTP what is older than what is kept, also of who may send old events, and takes the rest', async t => {
    const run = await runTelemetry({ keepMs: 100 * day })
    t.after(() => run.close())
    const of = (time: number, id: string) => ({
      id,
      type: 'session.start',
      time: new Date(time).toISOString(),
      user: { id: 'ann' },
      session: { id: randomUUIDv7() }
    })
    const now = Date.now()
    const oldId = `${(now - 400 * day)
      .toString(16)
      .padStart(12, '0')
      .replace(/(.{8})/, '$1-')}-7000-8000-000000000001`
    const sent = [
      of(now, randomUUIDv7()),
      of(now - 60 * day, randomUUIDv7()),
      of(now - 400 * day, randomUUIDv7()),
      of(now, oldId)
    ]
    const { status, body } = await run.send('POST', '/v1/events', {
      body: sent,
      token: run.backfillKey,
      headers: { 'x-plimsoll-backfill': '1' }
    })
    assert.equal(status, 200)
    assert.deepEqual(
      body.results.map(({ result, code }: { result: string; code?: string }) => code ?? result),
      ['accepted', 'accepted', 'too_old', 'too_old']
    )
    const mayBackfill = { token: run.backfillKey, headers: { 'x-plimsoll-backfill': '1', 'idempotency-key': 'old' } }
    const session = (days: number) => ({
      ...mayBackfill,
      body: { user: { id: 'ann' }, startedAt: new Date(now - days * day).toISOString() }
    })
    for (const [method, path] of [
      ['PUT', `/v1/sessions/${randomUUIDv7()}`],
      ['POST', '/v1/sessions']
    ] as const) {
      const refused = await run.send(method, path, session(400))
      assert.deepEqual([refused.status, refused.body.code], [400, 'too_old'])
      assert.ok((await run.send(method, path, session(60))).status < 300)
    }
  })

  it('refuses to forget a key before its event can no longer be sent again', async t => {
    const database = await openScratch()
    t.after(() => database.close())
    await migrateLog(database)
    const options = { clock: manualClock(), onError: assert.fail }
    await assert.rejects(openRetention(database, { ...options, keepMs: leastKeptMs - 1 }), RangeError)
    await assert.rejects(openRetention(database, { ...options, keepMs: Number.NaN }), RangeError)
  })

  it('tells of a failure and lets the service start all the same', async t => {
    const database = await openScratch()
    t.after(() => database.close())
    const errors: unknown[] = []
    const retention = await openRetention(database, { clock: manualClock(), onError: error => errors.push(error) })
    assert.match(String(errors), /eventlog\.partitions/)
    await retention.stop()
  })
})
