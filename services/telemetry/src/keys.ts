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
const remembered = 10_000

interface Seen {
  key: StoredKey | undefined
  until: number
  /** The look under way, if there is one. */
  looking: Promise<StoredKey | undefined> | undefined
}

export function createKeys(database: Database, now: () => number = Date.now): Keys {
  const cache = new Map<string, Seen>()
  const remember = (id: string, key: StoredKey | undefined) => {
    // Made-up ids must not push out real ones without bound: the oldest goes.
    if (cache.size >= remembered) cache.delete(cache.keys().next().value!)
    cache.set(id, { key, until: now() + (key ? knownForMs : unknownForMs), looking: undefined })
  }
  const find = async (id: string): Promise<StoredKey | undefined> => {
    const seen = cache.get(id)
    const left = seen ? seen.until - now() : 0
    // A good one is looked for again before its time, on the side: nobody waits for a slow store because of it.
    if (seen?.key && left < renewMs && left > 0) void look(id, seen).catch(() => undefined)
    return seen && left > 0 ? seen.key : look(id, seen)
  }
  const look = async (id: string, seen: Seen | undefined): Promise<StoredKey | undefined> => {
    if (seen?.looking) return seen.looking
    const looking = ask(id, seen)
    if (!seen) return looking
    seen.looking = looking
    return looking.finally(() => {
      seen.looking = undefined
    })
  }
  const ask = async (id: string, seen: Seen | undefined): Promise<StoredKey | undefined> => {
    try {
      const { rows } = await database.query<StoredKey>(
        'select id, project, hash, backfill from telemetry.keys where id = $1 and revoked_at is null',
        [id]
      )
      remember(id, rows[0])
      return rows[0]
    } catch (error) {
      // With the store down, a key that was good a moment ago is still believed.
      if (seen?.key) {
        // And for a while without asking: the answer is not to wait for a store that does not come.
        seen.until = Math.max(seen.until, now() + unknownForMs)
        return seen.key
      }
      throw error
    }
  }
  const ensureProject = async (project: string) => {
    await database.query('insert into telemetry.projects (name) values ($1) on conflict do nothing', [project])
  }
  return {
    ensureProject,
    async verify(token) {
      const match = shape.exec(token)
      if (!match) return undefined
      const key = await find(match[1]!)
      if (!key || !timingSafeEqual(key.hash, digest(match[2]!))) return undefined
      return { id: key.id, project: key.project, backfill: key.backfill }
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
      cache.delete(id)
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
      cache.delete(id)
      return affected > 0
    }
  }
}
