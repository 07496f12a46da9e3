import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { parseEntry } from '@plimsoll/eventlog'
import { readWholeLog } from '@plimsoll/eventlog/testing'
import type { Work } from '../ingest/work.ts'
import { findSession, migrateTelemetry, readLedger, writeBatch } from '../store.ts'
import { absent, type Enrichment, unknown } from './enrichment.ts'
import { ReEnricher, type ReEnricherOptions } from './re-enricher.ts'

const known: Enrichment = { state: 'known', tier: 'pro', region: 'eu', flags: {} }

describe('the re-enricher', () => {
  let db: Database
  before(async () => {
    db = await openScratch()
    await migrateTelemetry(db)
  })
  after(() => db.close())
  beforeEach(() => db.exec('truncate telemetry.sessions, telemetry.ledger, eventlog.entries'))

  const commit = async (work: Work) => (await db.transaction(tx => writeBatch(tx, [work])))[0]
  const store = async (count: number, over: { userId?: string; project?: string; enrichment?: Enrichment } = {}) => {
    const { userId, project = 'shop', enrichment = unknown } = over
    const events = Array.from({ length: count }, (_, n) => ({
      id: randomUUID(),
      type: 'session.start',
      time: 1_000,
      userId: userId ?? `user-${n}`,
      sessionId: randomUUID(),
      data: null,
      digest: '1',
      enrichment
    }))
    await commit({ kind: 'events', project, minute: 0, events, rejected: 0 })
    return events.map(event => event.sessionId)
  }
  const statesOf = async () => {
    const { rows } = await db.query<{ enrichment: string; n: number }>(
      'select enrichment, count(*) as n from telemetry.sessions group by 1 order by 1'
    )
    return Object.fromEntries(rows.map(row => [row.enrichment, row.n]))
  }
  const reEnricher = (over: Partial<ReEnricherOptions> = {}) => {
    const asked: (readonly string[])[] = []
    const load = async (ids: readonly string[]) => {
      asked.push(ids)
      return new Map(ids.map(id => [id, known]))
    }
    return { asked, subject: new ReEnricher({ database: db, load, commit, ...over }) }
  }

  it('asks again for every unknown session, page by page, and rests when there is none', async () => {
    await store(5)
    await store(2, { enrichment: absent })
    const { asked, subject } = reEnricher({ page: 2 })
    assert.deepEqual(
      [await subject.round(), await subject.round(), await subject.round(), await subject.round()],
      [true, true, false, false]
    )
    assert.deepEqual(await statesOf(), { absent: 2, known: 5 })
    assert.deepEqual(
      asked.map(ids => ids.length),
      [2, 2, 1]
    )
  })

  it('asks for a user once, however many sessions wait', async () => {
    await store(3, { userId: 'ann' })
    const { asked, subject } = reEnricher()
    await subject.round()
    assert.deepEqual(asked, [['ann']])
    assert.deepEqual(await statesOf(), { known: 3 })
  })

  it('writes what it learns as an entry of the log, from which read models restate, and not into the books', async () => {
    const [id] = await store(1)
    await reEnricher().subject.round()
    const entries = (await readWholeLog(db)).map(parseEntry)
    assert.deepEqual(
      entries.map(entry => [entry.type, entry.stream]),
      [
        ['session.start', id],
        ['session.enriched', id]
      ]
    )
    assert.deepEqual(entries[1]!.change, [
      [1000, 1000, 1, 'unknown', 'unknown', 'unknown', 'user-0'],
      [1000, 1000, 1, 'pro', 'eu', 'known', 'user-0']
    ])
    assert.equal((await readLedger(db, 'shop')).received, 1)
  })

  it('takes it for an answer that a user is absent', async () => {
    const [id] = await store(1)
    const { subject } = reEnricher({ load: async ids => new Map(ids.map(user => [user, absent])) })
    await subject.round()
    assert.deepEqual((await findSession(db, 'shop', id!))!.enrichment, absent)
    assert.equal(await subject.round(), false)
  })

  it('stays where it is while the API is away', async () => {
    await store(3)
    let away = true
    const { subject } = reEnricher({
      page: 2,
      load: async ids => {
        if (away) throw new Error('the breaker is open')
        return new Map(ids.map(id => [id, known]))
      }
    })
    await assert.rejects(subject.round(), /breaker/)
    assert.deepEqual(await statesOf(), { unknown: 3 })
    away = false
    await subject.round()
    await subject.round()
    assert.deepEqual(await statesOf(), { known: 3 })
  })

  it('goes on behind sessions that it cannot enrich, and comes back to them', async () => {
    await store(2, { userId: 'nobody-knows' })
    await store(4)
    const { subject } = reEnricher({
      page: 1,
      load: async ids => new Map(ids.filter(id => id !== 'nobody-knows').map(id => [id, known]))
    })
    while (await subject.round());
    assert.deepEqual(await statesOf(), { known: 4, unknown: 2 })
    const { subject: later } = reEnricher({ page: 1 })
    while (await later.round());
    assert.deepEqual(await statesOf(), { known: 6 })
  })

  it('runs by itself once started, over a failure, and ends when stopped', async () => {
    await store(1)
    const { promise: failed, resolve: fail } = Promise.withResolvers<unknown>()
    const { promise: found, resolve: find } = Promise.withResolvers<void>()
    let calls = 0
    const { subject } = reEnricher({
      restMs: 1,
      onError: fail,
      load: async ids => {
        if (++calls === 1) throw new Error('away')
        find()
        return new Map(ids.map(id => [id, known]))
      }
    })
    assert.equal(calls, 0, 'not before it is started')
    subject.start()
    assert.match(String(await failed), /away/)
    await found
    await subject.stop()
    assert.deepEqual(await statesOf(), { known: 1 }, 'what was under way at the stop is finished')
    await store(1)
    assert.deepEqual(await statesOf(), { known: 1, unknown: 1 })
    assert.equal(calls, 2)
  })
})
