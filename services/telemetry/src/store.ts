import { type CopyType, copyRows, type Database, migrate, type Queryable, type Transaction } from '@plimsoll/database'
import { append, entryKey, findDigests, migrateLog } from '@plimsoll/eventlog'
import type { SessionAnswer } from './contract.ts'
import { absent, type Enrichment, regionOf, tierOf, unknown } from './enrichment/enrichment.ts'
import { type Found, type Plan, planBatch } from './ingest/plan.ts'
import type { SessionState } from './ingest/session-state.ts'
import type { LedgerRow, Outcome, Work } from './ingest/work.ts'

/** All SQL of the write side. */

export async function migrateTelemetry(database: Database): Promise<void> {
  await migrateLog(database)
  await migrate(database, 'telemetry', new URL('./migrations/', import.meta.url))
}

/**
 * Looks, plans and writes one batch. The look locks the sessions it finds; that an unseen id or session appears
 * meanwhile is caught by their unique keys, and the batch is then planned again in a fresh transaction.
 */
export async function writeBatch(tx: Transaction, work: readonly Work[]): Promise<Outcome[]> {
  const plan = planBatch(work, await look(tx, work))
  await Promise.all([append(tx, plan.entries), writeSessions(tx, plan), writeAnswers(tx, plan), writeLedger(tx, plan)])
  return plan.outcomes
}

async function look(tx: Transaction, work: readonly Work[]): Promise<Found> {
  const ids: string[] = []
  const sessions = new Sessions()
  for (const item of work) {
    if (item.kind === 'events') {
      for (const event of item.events) {
        ids.push(event.id)
        sessions.add(item.project, event.sessionId)
      }
    } else if (item.kind !== 'refused') sessions.add(item.project, item.sessionId)
  }
  // Sorted, so that two committers lock in one order. An embedded engine has one connection and needs no locks.
  const lock = tx.engine === 'pglite' ? '' : 'order by s.project, s.id for update of s'
  const [digests, found] = await Promise.all([findDigests(tx, ids), findSessions(tx, sessions, lock)])
  return { digests, sessions: found }
}

type Store = Database | Transaction

/** Sessions to look for, each once. */
class Sessions {
  readonly byProject = new Map<string, Set<string>>()

  add(project: string, id: string): this {
    const ids = this.byProject.get(project)
    if (ids) ids.add(id)
    else this.byProject.set(project, new Set([id]))
    return this
  }
}

interface SessionRow {
  id: string
  project: string
  user_id: string
  started_at: Date
  last_at: Date
  ended_at: Date | null
  tier: string
  region: string
  flags: Record<string, boolean> | null
  enrichment: Enrichment['state']
  events: number
  deleted_at: Date | null
  visits: number[] | null
}

function toState(row: SessionRow): SessionState {
  return {
    userId: row.user_id,
    startedAt: row.started_at.getTime(),
    lastAt: row.last_at.getTime(),
    endedAt: row.ended_at?.getTime() ?? null,
    enrichment:
      row.enrichment === 'known'
        ? { state: 'known', tier: row.tier, region: row.region, flags: row.flags ?? {} }
        : row.enrichment === 'absent'
          ? absent
          : unknown,
    events: row.events,
    deletedAt: row.deleted_at?.getTime() ?? null,
    visits: row.visits
  }
}

const columns = [
  ['id', 'uuid'],
  ['project', 'text'],
  ['user_id', 'text'],
  ['started_at', 'timestamptz'],
  ['last_at', 'timestamptz'],
  ['ended_at', 'timestamptz'],
  ['tier', 'text'],
  ['region', 'text'],
  ['flags', 'json'],
  ['enrichment', 'text'],
  ['events', 'int4'],
  ['deleted_at', 'timestamptz'],
  ['visits', 'json']
] as const satisfies [string, CopyType][]
const names = columns.map(([name]) => name)
const types = columns.map(([, type]) => type)
const selected = `select ${names.map(name => `s.${name}`).join(', ')}`

function toRow(project: string, id: string, state: SessionState): unknown[] {
  const { enrichment } = state
  const moment = (ms: number | null) => (ms === null ? null : new Date(ms))
  return [
    id,
    project,
    state.userId,
    moment(state.startedAt),
    moment(state.lastAt),
    moment(state.endedAt),
    tierOf(enrichment),
    regionOf(enrichment),
    enrichment.state === 'known' ? JSON.stringify(enrichment.flags) : null,
    enrichment.state,
    state.events,
    moment(state.deletedAt),
    state.visits && JSON.stringify(state.visits)
  ]
}

async function findSessions(db: Store, { byProject }: Sessions, lock: string): Promise<Map<string, SessionState>> {
  const found = new Map<string, SessionState>()
  if (byProject.size === 0) return found
  const { rows } = await db.query<SessionRow>(...lookup(db, byProject, lock))
  for (const row of rows) found.set(entryKey(row.project, row.id), toState(row))
  return found
}

/**
 * Joined row by row, a server takes the index even while it has no statistics: of a list of ids it believes then that they
 * are half of the table, and reads all of it. An embedded engine always takes the index, and the list in half the time.
 */
function lookup(
  { engine }: Store,
  byProject: ReadonlyMap<string, ReadonlySet<string>>,
  lock: string
): [sql: string, parameters: unknown[]] {
  const wanted = [...byProject]
  const [first] = wanted
  if (engine === 'pglite' && first && wanted.length === 1) {
    return [
      `${selected} from telemetry.sessions s where s.project = $1 and s.id = any($2::uuid[])`,
      [first[0], [...first[1]]]
    ]
  }
  return [
    `${selected} from unnest($1::text[], $2::uuid[]) as k(project, id)
     join telemetry.sessions s on s.project = k.project and s.id = k.id ${lock}`,
    [wanted.flatMap(([project, ids]) => Array<string>(ids.size).fill(project)), wanted.flatMap(([, ids]) => [...ids])]
  ]
}

const updateSessions = `update telemetry.sessions s set ${names
  .slice(2)
  .map(name => `${name} = u.${name}`)
  .join(', ')} from unnest(${columns.map(([, type], i) => `$${i + 1}::${type}[]`).join(', ')}) as u(${names.join(', ')})
  where s.id = u.id and s.project = u.project`

async function writeSessions(tx: Transaction, plan: Plan): Promise<void> {
  const fresh: unknown[][] = []
  const changed: unknown[][] = []
  for (const { project, id, state, isNew } of plan.sessions.values()) {
    const row = toRow(project, id, state)
    if (isNew) fresh.push(row)
    else changed.push(row)
  }
  const writes: Promise<unknown>[] = []
  if (fresh.length > 0) writes.push(tx.copyIn('telemetry.sessions', names, copyRows(types, fresh)))
  if (changed.length > 0) {
    writes.push(
      tx.query(
        updateSessions,
        columns.map((_, i) => changed.map(row => row[i]))
      )
    )
  }
  await Promise.all(writes)
}

async function writeAnswers(tx: Transaction, plan: Plan): Promise<void> {
  if (plan.answers.length === 0) return
  const rows = copyRows(
    ['uuid', 'text', 'json'],
    plan.answers.map(a => [a.id, a.project, a.answer])
  )
  await tx.copyIn('telemetry.answers', ['id', 'project', 'answer'], rows)
}

/** What the first request with this event id was answered. */
export async function findAnswer(db: Queryable, project: string, id: string): Promise<SessionAnswer | undefined> {
  const { rows } = await db.query<{ answer: SessionAnswer }>(
    'select answer from telemetry.answers where id = $1 and project = $2',
    [id, project]
  )
  return rows[0]?.answer
}

async function writeLedger(tx: Transaction, plan: Plan): Promise<void> {
  const rows = [...plan.ledger.values()].filter(({ row }) => row.received > 0)
  if (rows.length > 0) {
    const column = (name: keyof LedgerRow) => rows.map(({ row }) => row[name])
    await tx.query(
      `insert into telemetry.ledger as l select * from unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
       order by 1, 2
       on conflict (project, minute) do update set received = l.received + excluded.received, accepted = l.accepted + excluded.accepted,
         duplicate = l.duplicate + excluded.duplicate, rejected = l.rejected + excluded.rejected, quarantined = l.quarantined + excluded.quarantined`,
      [
        rows.map(r => r.project),
        rows.map(r => new Date(r.minute)),
        column('received'),
        column('accepted'),
        column('duplicate'),
        column('rejected'),
        column('quarantined')
      ]
    )
  }
  const refused = [...plan.refused.values()]
  if (refused.length > 0) {
    await tx.query(
      `insert into telemetry.refused as r select * from unnest($1::text[], $2::text[], $3::bigint[]) order by 1, 2
       on conflict (project, code) do update set count = r.count + excluded.count`,
      [refused.map(r => r.project), refused.map(r => r.code), refused.map(r => r.count)]
    )
  }
}

export async function findSession(db: Store, project: string, id: string): Promise<SessionState | undefined> {
  return (await findSessions(db, new Sessions().add(project, id), '')).get(entryKey(project, id))
}

/** Sessions of a project by their id, the greatest first: for version 7 ids the latest. */
export async function listSessions(
  db: Queryable,
  project: string,
  limit: number,
  before: string | undefined
): Promise<{ id: string; state: SessionState }[]> {
  const { rows } = await db.query<SessionRow>(
    `select ${names.join(', ')} from telemetry.sessions
     where project = $1 and deleted_at is null and ($3::uuid is null or id < $3) order by id desc limit $2`,
    [project, limit, before ?? null]
  )
  return rows.map(row => ({ id: row.id, state: toState(row) }))
}

export async function readLedger(
  db: Queryable,
  project: string
): Promise<LedgerRow & { refused: Record<string, number> }> {
  const { rows } = await db.query<LedgerRow>(
    `select coalesce(sum(received), 0)::bigint as received, coalesce(sum(accepted), 0)::bigint as accepted,
       coalesce(sum(duplicate), 0)::bigint as duplicate, coalesce(sum(rejected), 0)::bigint as rejected,
       coalesce(sum(quarantined), 0)::bigint as quarantined from telemetry.ledger where project = $1`,
    [project]
  )
  const refused = await db.query<{ code: string; count: number }>(
    'select code, count from telemetry.refused where project = $1 order by code',
    [project]
  )
  return { ...rows[0]!, refused: Object.fromEntries(refused.rows.map(r => [r.code, r.count])) }
}

export interface Unenriched {
  project: string
  id: string
  userId: string
}

/** Sessions that are still to be asked for, by id, after `from`. */
export async function findUnenriched(db: Queryable, from: string, limit: number): Promise<Unenriched[]> {
  const { rows } = await db.query<Unenriched>(
    `select project, id::text as id, user_id as "userId" from telemetry.sessions
     where enrichment = 'unknown' and deleted_at is null and id > $1::uuid order by id limit $2`,
    [from, limit]
  )
  return rows
}
