import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import {
  type Database,
  isTransient,
  isUnavailable,
  isUniqueViolation,
  open,
  type Transaction
} from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { parseEntry } from '@plimsoll/eventlog'
import { readWholeLog } from '@plimsoll/eventlog/testing'
import { absent, type Enrichment, unknown } from './enrichment/enrichment.ts'
import { type SessionState, summarise } from './ingest/session-state.ts'
import type { ValidEvent } from './ingest/validate.ts'
import type { Outcome, Work } from './ingest/work.ts'
import {
  findAnswer,
  findSession,
  findUnenriched,
  listSessions,
  migrateTelemetry,
  readLedger,
  writeBatch
} from './store.ts'

const at = Date.UTC(2026, 4, 17, 12, 30, 15, 250)
const minute = at - (at % 60_000)
const odd = 'tab\t line\n back\\ NULL {"a",\'b\'} €😀 \\N'
const pro: Enrichment = { state: 'known', tier: 'pro', region: 'eu', flags: { beta: true, [odd]: false } }

const event = (over: Partial<ValidEvent> = {}): ValidEvent => ({
  id: randomUUID(),
  type: 'session.start',
  time: at,
  userId: 'ann',
  sessionId: randomUUID(),
  data: null,
  digest: '1',
  enrichment: unknown,
  ...over
})
const recorded = (project: string, events: ValidEvent[], rejected = 0): Work => ({
  kind: 'events',
  project,
  minute,
  events,
  rejected
})
const counted = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap(outcome => (outcome.kind === 'events' ? outcome.outcomes : []))

/** What a statement did, as `explain` tells it. */
interface Plan {
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
}

describe('the primary store', () => {
  let db: Database & { url: string }
  before(async () => {
    db = await openScratch()
    await migrateTelemetry(db)
  })
  after(() => db.close())

  const write = (...work: Work[]) => db.transaction(tx => writeBatch(tx, work))
  const logOf = async (project: string) =>
    (await readWholeLog(db)).map(parseEntry).filter(entry => entry.tenant === project)
  const ledgerOf = async (project: string) => {
    const { received, accepted, duplicate, rejected } = await readLedger(db, project)
    return { received, accepted, duplicate, rejected }
  }

  it('gives a session back as it was written, whatever its texts', async () => {
    for (const enrichment of [unknown, absent, pro]) {
      const first = event({ userId: odd, enrichment, data: JSON.stringify({ [odd]: odd }) })
      const last = event({ ...first, id: randomUUID(), type: 'session.end', time: at + 1 })
      await write(recorded('texts', [first, last]))
      const state: SessionState = {
        userId: odd,
        startedAt: at,
        lastAt: at + 1,
        endedAt: at + 1,
        enrichment,
        events: 2,
        deletedAt: null,
        visits: null
      }
      assert.deepEqual(await findSession(db, 'texts', first.sessionId), state)
      assert.equal(await findSession(db, 'elsewhere', first.sessionId), undefined)
      const logged = (await logOf('texts')).filter(entry => entry.stream === first.sessionId)
      assert.deepEqual(
        logged.map(entry => [entry.id, entry.subject, entry.time, entry.data]),
        [
          [first.id, odd, at, { [odd]: odd }],
          [last.id, odd, at + 1, { [odd]: odd }]
        ]
      )
      assert.deepEqual((logged[1]!.change as unknown[])[1], summarise(state)[0])
    }
  })

  it('accepts the same events once', async () => {
    const session = randomUUID()
    const events = [event({ sessionId: session }), event({ sessionId: session, type: 'session.end', time: at + 5 })]
    assert.deepEqual(counted(await write(recorded('once', events, 1))), ['accepted', 'accepted'])
    const once = await findSession(db, 'once', session)
    assert.deepEqual(counted(await write(recorded('once', events, 1))), ['duplicate', 'duplicate'])
    assert.deepEqual(counted(await write(recorded('once', [{ ...events[0]!, digest: '2' }]))), ['conflict'])
    assert.deepEqual(await findSession(db, 'once', session), once)
    assert.equal((await logOf('once')).length, 2)
    assert.deepEqual(await ledgerOf('once'), { received: 7, accepted: 2, duplicate: 2, rejected: 3 })
  })

  it('writes all of a batch or nothing of it', async () => {
    const good = event()
    const bad = event({ data: '{"a": not json}' })
    await assert.rejects(write(recorded('atomic', [good]), recorded('atomic', [bad])))
    assert.equal(await findSession(db, 'atomic', good.sessionId), undefined)
    assert.deepEqual(await logOf('atomic'), [])
    assert.deepEqual(await ledgerOf('atomic'), { received: 0, accepted: 0, duplicate: 0, rejected: 0 })
  })

  it('keeps puts, deletions and late enrichments as entries of the log', async () => {
    const id = randomUUID()
    const work = { project: 'commands', minute, sessionId: id }
    const put = { at, userId: 'ann', startedAt: at - 1_000 }
    await write({ ...work, kind: 'put', put, logId: randomUUID() })
    await write({ ...work, kind: 'put', put: { ...put, at: at + 9 }, logId: randomUUID() })
    await write({ ...work, kind: 'enrich', userId: 'ann', enrichment: pro, at, logId: randomUUID() })
    assert.deepEqual((await findSession(db, 'commands', id))!.enrichment, pro)
    await write({ ...work, kind: 'delete', at, logId: randomUUID() })
    await write({ ...work, kind: 'delete', at, logId: randomUUID() })
    assert.equal((await findSession(db, 'commands', id))!.deletedAt, at)
    assert.deepEqual(
      (await logOf('commands')).map(entry => entry.type),
      ['session.put', 'session.enriched', 'session.delete']
    )
    assert.deepEqual(await ledgerOf('commands'), { received: 4, accepted: 2, duplicate: 2, rejected: 0 })
  })

  it('lists the latest sessions of a project, page by page, without the deleted ones', async () => {
    const ids = Array.from({ length: 5 }, (_, n) => `0196d5c0-0000-7000-8000-00000000000${n}`)
    await write(
      recorded(
        'list',
        ids.map(sessionId => event({ sessionId }))
      )
    )
    await write({ kind: 'delete', project: 'list', minute, sessionId: ids[3]!, at, logId: randomUUID() })
    const page = async (before?: string) => (await listSessions(db, 'list', 2, before)).map(({ id }) => id)
    assert.deepEqual(await page(), [ids[4], ids[2]])
    assert.deepEqual(await page(ids[2]), [ids[1], ids[0]])
    assert.deepEqual(await page(ids[0]), [])
  })

  it('finds the sessions of several projects in one batch, under one id too', async () => {
    const id = randomUUID()
    const of = (project: string, time: number) =>
      recorded(project, [event({ sessionId: id, userId: `of ${project}`, time })])
    await write(of('one', at), of('two', at + 5))
    await write(of('one', at + 10), of('two', at + 20))
    for (const [project, startedAt, lastAt] of [['one', at, at + 10] as const, ['two', at + 5, at + 20] as const]) {
      const state = await findSession(db, project, id)
      assert.deepEqual(
        [state?.userId, state?.startedAt, state?.lastAt, state?.events],
        [`of ${project}`, startedAt, lastAt, 2]
      )
    }
  })

  it('reads of the sessions only those that it gives, beside many of another project and without statistics', async () => {
    await db.query(
      `insert into telemetry.sessions (id, project, user_id, started_at, last_at, tier, region, enrichment, events)
       select gen_random_uuid(), 'large', 'ann', now(), now(), 'pro', 'eu', 'known', 1 from generate_series(1, 60000)`
    )
    const mine = Array.from({ length: 40 }, () => event())
    const asked: [sql: string, parameters: readonly unknown[]][] = []
    const recording = (inner: Transaction): Transaction => ({
      ...inner,
      query: (sql, parameters = []) => {
        if (/^select.* from .*telemetry.sessions/s.test(sql)) asked.push([sql, parameters])
        return inner.query(sql, parameters)
      }
    })
    await db.transaction(tx => writeBatch(recording(tx), [recorded('small', mine)]))
    await db.transaction(async tx =>
      assert.equal((await listSessions(recording(tx), 'small', 100, undefined)).length, 40)
    )
    assert.equal(asked.length, 2)
    for (const [sql, parameters] of asked) {
      const { rows } = await db.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `explain (analyze, buffers, format json) ${sql}`,
        parameters
      )
      const { Plan } = rows[0]!['QUERY PLAN'][0]
      // Along the key they are a hundred and some; a walk through the ids of all takes nearly four hundred and more.
      const pages = Plan['Shared Hit Blocks'] + Plan['Shared Read Blocks']
      assert.ok(pages < 250, `${pages} pages: ${JSON.stringify(Plan, null, 1)}`)
    }
  })

  it('knows which sessions are still to be asked for', async () => {
    const [asked, gone, waiting] = [event({ enrichment: absent }), event(), event({ userId: 'bob' })]
    await write(recorded('later', [asked, gone, waiting]))
    await write({ kind: 'delete', project: 'later', minute, sessionId: gone.sessionId, at, logId: randomUUID() })
    const found = (await findUnenriched(db, '00000000-0000-0000-0000-000000000000', 1_000)).filter(
      s => s.project === 'later'
    )
    assert.deepEqual(found, [{ project: 'later', id: waiting.sessionId, userId: 'bob' }])
    assert.deepEqual(
      (await findUnenriched(db, waiting.sessionId, 1_000)).filter(s => s.project === 'later'),
      [],
      'after a place, not from it'
    )
  })

  it('keeps the first answer of a request, and counts of refusals', async () => {
    const first = event()
    await write({ ...(recorded('answers', [first]) as Extract<Work, { kind: 'events' }>), answeredAt: 1_000 })
    assert.equal((await findAnswer(db, 'answers', first.id))!.id, first.sessionId)
    assert.equal(await findAnswer(db, 'others', first.id), undefined)
    await write({ kind: 'refused', project: 'answers', code: 'malformed_json', count: 2 })
    await write({ kind: 'refused', project: 'answers', code: 'malformed_json', count: 3 })
    assert.deepEqual((await readLedger(db, 'answers')).refused, { malformed_json: 5 })
  })

  it('has a ledger that the store itself holds to its equation', async () => {
    await write(recorded('books', [event()], 2))
    await assert.rejects(db.query("update telemetry.ledger set accepted = accepted + 1 where project = 'books'"), {
      constraint: 'ledger_balances'
    })
  })

  if (process.env.PLIMSOLL_DATABASE_URL) {
    it('counts each id once for two processes that send the same ones at the same time', async () => {
      const writers = await Promise.all([open(db.url), open(db.url)])
      const sessions = Array.from({ length: 8 }, () => randomUUID())
      const events = Array.from({ length: 400 }, (_, n) =>
        event({
          sessionId: sessions[n % sessions.length]!,
          time: at + ((n * 7919) % 100_000),
          type: n % 9 === 0 ? 'session.end' : 'session.heartbeat',
          userId: n % 3 === 0 ? 'ann' : 'bob',
          enrichment: n % 4 === 0 ? pro : unknown
        })
      )
      const outcomes = await Promise.all(
        writers.map(async (database, side) => {
          // From both ends, so that the two meet, lock and collide in the middle.
          const mine = side === 0 ? events : events.toReversed()
          const pieces = Array.from({ length: 80 }, (_, n) => mine.slice(n * 5, n * 5 + 5))
          const commit = async (piece: ValidEvent[]): Promise<Outcome[]> => {
            try {
              return await database.transaction(tx => writeBatch(tx, [recorded('both', piece)]))
            } catch (error) {
              // On a busy machine eighty may wait longer for a connection than one is waited for.
              if (isUniqueViolation(error) || isTransient(error) || isUnavailable(error)) return commit(piece)
              throw error
            }
          }
          const all = (await Promise.all(pieces.map(commit))).flat()
          return counted(all)
        })
      )
      await Promise.all(writers.map(database => database.close()))
      const all = outcomes.flat()
      assert.deepEqual(
        [all.filter(o => o === 'accepted').length, all.filter(o => o === 'duplicate').length],
        [events.length, events.length]
      )
      assert.deepEqual(await ledgerOf('both'), { received: 800, accepted: 400, duplicate: 400, rejected: 0 })

      const entries = await logOf('both')
      assert.equal(new Set(entries.map(entry => entry.id)).size, events.length)
      for (const id of sessions) {
        // Each change takes away one summary and adds another; what is left over is the session as it stands.
        const left = new Map<string, number>()
        const add = (summary: unknown, n: number) => {
          if (summary === null) return
          const key = JSON.stringify(summary)
          left.set(key, (left.get(key) ?? 0) + n)
        }
        for (const entry of entries.filter(e => e.stream === id)) {
          const [from, to] = entry.change as unknown[]
          add(from, -1)
          add(to, 1)
        }
        const state = await findSession(db, 'both', id)
        assert.equal(state!.events, 50)
        assert.deepEqual(
          [...left].filter(([, n]) => n !== 0),
          [[JSON.stringify(summarise(state)[0]), 1]]
        )
      }
    })
  }
})
