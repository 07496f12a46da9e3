import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Database } from '@plimsoll/database'

/** A write key: `plk_ID_SECRET`. Only the hash of the secret is kept, and a write key can only write. */
export interface WriteKey {
  id: string
  project: string
  backfill: boolean
}

interface StoredKey extends WriteKey {
  hash: Buffer
}

const shape = /^plk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/
const digest = (secret: string) => hash('sha256', secret, 'buffer')

export interface Keys {
  /** As `verify`, of what is remembered and not soon to be looked for again. Undefined is no refusal: `verify` may find it. */
  known(token: string): WriteKey | undefined
  /** The key a bearer token stands for, or undefined. Looks in the store only for ids it has not met. */
  verify(token: string): Promise<WriteKey | undefined>
  /** Makes a key, and its project when that is new. `token` is shown here and never again. */
  create(project: string, options?: { backfill?: boolean }): Promise<WriteKey & { token: string }>
  /** The keys of a project, the newest first, also those that were revoked: the newest thousand. */
  list(project: string): Promise<KeyRow[]>
  /** A revoked key is refused: here at once, by other processes within a minute. Whether the project has such a key. */
  revoke(project: string, id: string): Promise<boolean>
  ensureProject(project: string): Promise<void>
}

/** What may be seen of a key. */
export interface KeyRow {
  id: string
  backfill: boolean
  createdAt: Date
  revokedAt: Date | null
}

/** How long a key that was found, or not found, is believed without asking the store again. */
const knownForMs = 60_000
const unknownForMs = 5_000
/** A good one is looked for again when so much of its time is left. */
const renewMs = 15_000
/** Good keys that are remembered; the one that was looked for the longest ago goes first. */
const mostKnown = 10_000
/** Ids without a key that are remembered. Anybody can make them up, so they are few and push out each other only. */
const mostUnknown = 1_000
/** Looks at once for ids that are not known to be good: who makes them up must not take the store from those who write. */
const mostStrangers = 32

/** So many ids that were never met are being looked for that this one has to wait. */
export class KeyLooksFullError extends Error {
  override readonly name = 'KeyLooksFullError'
  readonly code = 'KEY_LOOKS_FULL'

  constructor() {
    super(`${mostStrangers} keys that were not met before are being looked for already`)
  }
}

interface Known {
  key: StoredKey
  until: number
}

/** A map that holds so many at most: what was set last stays. */
function remember<V>(map: Map<string, V>, most: number, id: string, value: V): void {
  map.delete(id)
  if (map.size >= most) map.delete(map.keys().next().value!)
  map.set(id, value)
}

export function createKeys(database: Database, now: () => number = Date.now): Keys {
  const known = new Map<string, Known>()
  /** Until when there is no such key. */
  const unknown = new Map<string, number>()
  const looking = new Map<string, Promise<StoredKey | undefined>>()
  let strangers = 0

  const find = async (id: string): Promise<StoredKey | undefined> => {
    const seen = known.get(id)
    if (!seen) return now() < (unknown.get(id) ?? 0) ? undefined : look(id)
    const left = seen.until - now()
    if (left <= 0) return look(id)
    // Before its time, on the side: nobody waits for a slow store because of it.
    if (left < renewMs) void look(id).catch(() => undefined)
    return seen.key
  }
  /** Whoever asks for the same id meanwhile has the same look. */
  const look = (id: string): Promise<StoredKey | undefined> => {
    const underWay = looking.get(id)
    if (underWay) return underWay
    const isStranger = !known.has(id)
    if (isStranger && strangers >= mostStrangers) return Promise.reject(new KeyLooksFullError())
    if (isStranger) strangers++
    const asked = ask(id).finally(() => {
      looking.delete(id)
      if (isStranger) strangers--
    })
    looking.set(id, asked)
    return asked
  }
  const ask = async (id: string): Promise<StoredKey | undefined> => {
    try {
      const { rows } = await database.query<StoredKey>(
        'select id, project, hash, backfill from telemetry.keys where id = $1 and revoked_at is null',
        [id]
      )
      const key = rows[0]
      if (key) {
        unknown.delete(id)
        remember(known, mostKnown, id, { key, until: now() + knownForMs })
      } else {
        known.delete(id)
        remember(unknown, mostUnknown, id, now() + unknownForMs)
      }
      return key
    } catch (error) {
      // With the store down, a key that was good a moment ago is still believed.
      const seen = known.get(id)
      if (!seen) throw error
      // And for a while without asking: the answer is not to wait for a store that does not come.
      seen.until = Math.max(seen.until, now() + unknownForMs)
      return seen.key
    }
  }
  const provenBy = (secret: string, { id, project, backfill, hash }: StoredKey): WriteKey | undefined =>
    timingSafeEqual(hash, digest(secret)) ? { id, project, backfill } : undefined
  const ensureProject = async (project: string) => {
    await database.query('insert into telemetry.projects (name) values ($1) on conflict do nothing', [project])
  }
  return {
    ensureProject,
    async verify(token) {
      const match = shape.exec(token)
      if (!match) return undefined
      const key = await find(match[1]!)
      return key && provenBy(match[2]!, key)
    },
    known(token) {
      const match = shape.exec(token)
      const seen = match ? known.get(match[1]!) : undefined
      return seen && seen.until - now() >= renewMs ? provenBy(match![2]!, seen.key) : undefined
    },
    async create(project, { backfill = false } = {}) {
      const id = BigInt(`0x${randomBytes(8).toString('hex')}`)
        .toString(36)
        .padStart(12, '0')
        .slice(-12)
      const secret = randomBytes(32).toString('base64url')
      await ensureProject(project)
      await database.query('insert into telemetry.keys (id, project, hash, backfill) values ($1, $2, $3, $4)', [
        id,
        project,
        digest(secret),
        backfill
      ])
      unknown.delete(id)
      return { id, project, backfill, token: `plk_${id}_${secret}` }
    },
    async list(project) {
      const { rows } = await database.query<KeyRow>(
        `select id, backfill, created_at as "createdAt", revoked_at as "revokedAt" from telemetry.keys
         where project = $1 order by created_at desc, id limit 1000`,
        [project]
      )
      return rows
    },
    async revoke(project, id) {
      const { affected } = await database.query(
        'update telemetry.keys set revoked_at = coalesce(revoked_at, now()) where id = $1 and project = $2',
        [id, project]
      )
      // A look that began before would remember it after.
      await looking.get(id)?.catch(() => undefined)
      known.delete(id)
      return affected > 0
    }
  }
}
