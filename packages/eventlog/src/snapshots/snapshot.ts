import { isDeepStrictEqual } from 'node:util'
import type { Queryable } from '@plimsoll/database'
import type { Protection } from '../erasure/protection.ts'

/** When a state is kept, so that the next fold need not begin at the first event. */
export interface SnapshotPolicy {
  /** Whose state it is: the decider's name. */
  name: string
  /** Of the state's shape: change it with `evolve` or the state, and the old ones are not used. */
  shape: string
  /** Kept when so many events came since the last. Default 100. */
  every?: number
  /** Kept also when the last one is so old and anything came since, in milliseconds. Default: by count alone. */
  maxAgeMs?: number
  now?(): number
}

export interface Snapshot {
  version: number
  takenAt: number
  state: unknown
  subjects: string[]
}

/** What the store says of a snapshot's place and shape. */
interface Shelf {
  schema: string
  /** Of the upcasters: a state that was folded by others is stale. */
  fingerprint: string
  protection: Protection | undefined
  /** The caller's transaction, where the keys are in its database: an embedded one answers nobody else until it is over. */
  keysIn?: Queryable | undefined
}

const shapeOf = (policy: SnapshotPolicy, { fingerprint }: Shelf) => `${policy.shape} ${fingerprint}`

/** The last state that was kept and is of today's shape; undefined when there is none or it cannot be opened. */
export async function readSnapshot(
  db: Queryable,
  shelf: Shelf,
  stream: string,
  policy: SnapshotPolicy
): Promise<Snapshot | undefined> {
  const { rows } = await db.query<Omit<Snapshot, 'takenAt'> & { taken_at: Date }>(
    `select version, taken_at, state, subjects from "${shelf.schema}".snapshots
     where stream = $1 and name = $2 and shape = $3`,
    [stream, policy.name, shapeOf(policy, shelf)]
  )
  const row = rows[0]
  if (!row) return undefined
  const { version, taken_at, subjects } = row
  const kept = subjects.length === 0 ? row.state : await shelf.protection?.openFor(subjects, row.state, shelf.keysIn)
  return kept === undefined
    ? undefined
    : { version, takenAt: taken_at.getTime(), subjects, state: (kept as { s: unknown }).s }
}

export function isDue(policy: SnapshotPolicy, last: Snapshot | undefined, version: number): boolean {
  const { every = 100, maxAgeMs, now = Date.now } = policy
  const more = version - (last?.version ?? 0)
  if (more >= every) return true
  return more > 0 && last !== undefined && maxAgeMs !== undefined && now() - last.takenAt >= maxAgeMs
}

/**
 * Keeps a state, unless a later one of this shape is there.
 * @throws TypeError when JSON does not give the state back as it is: a fold that began there would be another one
 */
export async function writeSnapshot(
  db: Queryable,
  shelf: Shelf,
  stream: string,
  policy: SnapshotPolicy,
  { version, state, subjects }: Pick<Snapshot, 'version' | 'state' | 'subjects'>
): Promise<void> {
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify({ s: state })), { s: state })) {
    throw new TypeError(
      `the state of "${policy.name}" cannot be kept: JSON loses something of it, such as undefined, a Date or a Map`
    )
  }
  const wrapped = { s: state }
  const kept =
    subjects.length === 0 ? wrapped : await shelf.protection?.sealFor(subjects, wrapped, `${stream}@${version}`)
  if (kept === undefined) return
  await db.query(
    `insert into "${shelf.schema}".snapshots as s (stream, name, shape, version, taken_at, state, subjects)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (stream, name) do update set shape = excluded.shape, version = excluded.version,
       taken_at = excluded.taken_at, state = excluded.state, subjects = excluded.subjects
     where s.shape <> excluded.shape or s.version <= excluded.version`,
    [stream, policy.name, shapeOf(policy, shelf), version, new Date((policy.now ?? Date.now)()), kept, subjects]
  )
}
