import { type Database, migrate, type Transaction } from '@plimsoll/database'
import type { AnswerHeaders } from '../answer.ts'
import { LeaseLostError } from '../errors.ts'
import type { Claim, IdempotencyStore, Lease, Reservation, Scope } from '../store.ts'

export interface PostgresStoreOptions {
  /** Milliseconds since 1970, in place of the database's own clock. For tests. */
  now?: () => number
}

/** Creates `idempotency.records` in this database. */
export async function migrateIdempotency(database: Database): Promise<void> {
  await migrate(database, 'idempotency', new URL('../migrations/', import.meta.url))
}

// A key is free when its record is past its time, was released, or when its owner was silent for a whole lease and this
// is the same request. `excluded.reserved_at` is the moment of asking, one for all of the statement.
const free = `(r.expires_at <= excluded.reserved_at or (r.status is null and (r.fingerprint is null
  or (r.leased_until <= excluded.reserved_at and r.fingerprint = excluded.fingerprint))))`
const crashed = '(r.status is null and r.fingerprint is not null and r.expires_at > excluded.reserved_at)'
const taken = (column: string, value: string) => `${column} = case when ${free} then ${value} else r.${column} end`

/** The parameter, or the clock itself: `now()` would be when a transaction began, which may be long ago. */
const clock = (parameter: number) => `coalesce($${parameter}::timestamptz, clock_timestamp())`
const after = (parameter: number) => `make_interval(secs => $${parameter}::float8 / 1000)`

// All or nothing under the row's lock, and always a row to read. RETURNING cannot see `excluded`, but the last number that
// this statement drew from the sequence is in the row exactly when the row was taken by it.
const reserve = `insert into idempotency.records as r
    (tenant, route, key, fingerprint, fence, attempt, reserved_at, leased_until, expires_at)
  select $1, $2, $3, $4, nextval('idempotency.fences'), 1, at, at + ${after(5)}, at + ${after(6)}
  from (select ${clock(7)} as at offset 0) as asked
  on conflict on constraint records_once do update set
    ${taken('fingerprint', 'excluded.fingerprint')},
    ${taken('fence', "nextval('idempotency.fences')")},
    ${taken('attempt', `case when ${crashed} then r.attempt + 1 else 1 end`)},
    ${taken('reserved_at', 'excluded.reserved_at')},
    ${taken('leased_until', 'excluded.leased_until')},
    ${taken('expires_at', 'excluded.expires_at')},
    ${taken('status', 'null')},
    ${taken('headers', 'null')},
    ${taken('body', 'null')}
  returning fence = currval('idempotency.fences') as won, fence, attempt, fingerprint = $4 as same,
    (extract(epoch from leased_until - ${clock(7)}) * 1000)::float8 as left_ms, status, headers, body`

const mine = 'tenant = $1 and route = $2 and key = $3 and fence = $4 and status is null and fingerprint is not null'

const complete = `update idempotency.records
  set status = $5, headers = $6::jsonb, body = $7, expires_at = ${clock(9)} + ${after(8)} where ${mine}`

const renew = `update idempotency.records set leased_until = ${clock(6)} + ${after(5)},
  expires_at = greatest(expires_at, ${clock(6)} + ${after(5)}) where ${mine}`

const release = `update idempotency.records set fingerprint = null where ${mine}`

const sweep = `delete from idempotency.records where (tenant, route, key) in (
  select tenant, route, key from idempotency.records where expires_at <= ${clock(2)}
  order by expires_at limit $1 for update skip locked)`

interface Row {
  won: boolean
  fence: number
  attempt: number
  same: boolean | null
  left_ms: number
  status: number | null
  headers: AnswerHeaders
  body: Buffer
}

/**
 * Records in the handler's own database, PostgreSQL or embedded: the change, the record and the answer are one
 * transaction (read committed), so that a handler's effect and the memory of it cannot part.
 *
 * Leases are judged by the database's clock alone. Several processes with clocks of their own would disagree on when a
 * lease ended; and if the database's clock jumps, a lease ends early or late, which the fence makes harmless: a late
 * owner's `complete` finds another fence, and its transaction rolls back.
 *
 * A COMMIT whose answer was lost is safe too: `release` waits for that transaction, and frees nothing that it kept.
 */
export function postgresStore(database: Database, options: PostgresStoreOptions = {}): IdempotencyStore<Transaction> {
  const asked = () => (options.now === undefined ? null : new Date(options.now()))
  return {
    atomic: true,
    async reserve(claim) {
      const { fingerprint, leaseMs, ttlMs } = claim
      const { rows } = await database.query<Row>(reserve, [...named(claim), fingerprint, leaseMs, ttlMs, asked()])
      return reservationOf(claim, rows[0]!)
    },
    async renew(lease, leaseMs) {
      return (await database.query(renew, [...owned(lease), leaseMs, asked()])).affected === 1
    },
    async settle(lease, ttlMs, work) {
      await database.transaction(async tx => {
        const { status, headers, body } = await work(tx)
        const kept = [...owned(lease), status, headers, body, ttlMs, asked()]
        if ((await tx.query(complete, kept)).affected === 0) throw new LeaseLostError(lease.fence)
      })
    },
    async release(lease) {
      await database.query(release, owned(lease))
    },
    transaction: work => database.transaction(work),
    sweep: async ({ limit }) => (await database.query(sweep, [limit, asked()])).affected
  }
}

const named = ({ tenant, route, key }: Scope) => [tenant, route, key]
const owned = (lease: Lease) => [...named(lease), lease.fence]

function reservationOf({ tenant, route, key }: Claim, row: Row): Reservation {
  const { fence, attempt, status, headers, body } = row
  if (row.won) return { kind: 'started', lease: { tenant, route, key, fence, attempt } }
  if (row.same !== true) return { kind: 'mismatch' }
  if (status !== null) return { kind: 'replay', answer: { status, headers, body } }
  return { kind: 'in-flight', leftMs: Math.max(0, row.left_ms) }
}
