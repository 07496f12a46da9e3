import { randomBytes } from 'node:crypto'
import type { Database, Queryable } from '@plimsoll/database'
import { EventStoreError } from '../streams/errors.ts'
import { decrypt, encrypt } from './seal.ts'

export interface KeyringOptions {
  /** Where the wrapped keys are: the store's database, or one with backups that are kept for less long. */
  database: Database
  /** A schema made by `EventStore.migrate`. Default `events`. */
  schema?: string
  /** 32 bytes, kept outside of every database: it wraps the keys. */
  masterKey: Uint8Array
  /** How long another process may go on with a key that was destroyed here, in milliseconds. Default 5,000. */
  cacheMs?: number
  /** Keys held in memory at most. Default 10,000. */
  cacheSize?: number
  now?(): number
}

/** Personal data of somebody who was erased was to be written. */
export class SubjectErasedError extends EventStoreError {
  override readonly name = 'SubjectErasedError'
  readonly code = 'PLIMSOLL_SUBJECT_ERASED'
  readonly subject: string

  constructor(subject: string) {
    super(`the key of "${subject}" was destroyed; nothing personal of that subject can be written any more`)
    this.subject = subject
  }
}

interface KeyRow {
  subject: string
  wrapped: Buffer | null
}

/** One key a subject. A subject's name is kept in clear: let it be an id, and no name or address. */
export class Keyring {
  readonly database: Database
  readonly #schema: string
  readonly #master: Uint8Array
  readonly #cacheMs: number
  readonly #cacheSize: number
  readonly #now: () => number
  #cache = new Map<string, { key: Buffer; until: number }>()

  constructor({ database, schema = 'events', masterKey, cacheMs = 5_000, cacheSize = 10_000, now }: KeyringOptions) {
    if (masterKey.length !== 32) throw new RangeError(`a master key has 32 bytes, and this one has ${masterKey.length}`)
    this.database = database
    this.#schema = schema
    this.#master = masterKey
    this.#cacheMs = cacheMs
    this.#cacheSize = cacheSize
    this.#now = now ?? Date.now
  }

  /** The keys of those who have one; a subject that was erased, or never had a key, is not among them. */
  async find(subjects: Iterable<string>, tx?: Queryable): Promise<Map<string, Buffer>> {
    const found = new Map<string, Buffer>()
    const unknown: string[] = []
    for (const subject of new Set(subjects)) {
      const held = this.#cache.get(subject)
      if (held && held.until > this.#now()) found.set(subject, held.key)
      else unknown.push(subject)
    }
    if (unknown.length === 0) return found
    const { rows } = await (tx ?? this.database).query<KeyRow>(
      `select subject, wrapped from "${this.#schema}".subject_keys where subject = any($1) and wrapped is not null`,
      [unknown]
    )
    for (const { subject, wrapped } of rows) {
      const key = decrypt(this.#master, wrapped!, subject)
      found.set(subject, key)
      // What a transaction sees may yet be undone.
      if (!tx) this.#hold(subject, key)
    }
    return found
  }

  /** The keys of all of them, made where there was none. @throws SubjectErasedError */
  async findOrMake(subjects: Iterable<string>, tx?: Queryable): Promise<Map<string, Buffer>> {
    const wanted = [...new Set(subjects)].sort()
    const found = await this.find(wanted, tx)
    const missing = wanted.filter(subject => !found.has(subject))
    if (missing.length === 0) return found
    const wrapped = missing.map(subject => encrypt(this.#master, randomBytes(12), randomBytes(32), subject))
    await (tx ?? this.database).query(
      `insert into "${this.#schema}".subject_keys (subject, wrapped) select * from unnest($1::text[], $2::bytea[])
       on conflict do nothing`,
      [missing, wrapped]
    )
    for (const [subject, key] of await this.find(missing, tx)) found.set(subject, key)
    for (const subject of missing) if (!found.has(subject)) throw new SubjectErasedError(subject)
    return found
  }

  /** Destroys a subject's key, for good; also of one who has none yet. Returns false when it was destroyed before. */
  async destroy(subject: string, tx?: Queryable): Promise<boolean> {
    const { affected } = await (tx ?? this.database).query(
      `insert into "${this.#schema}".subject_keys as k (subject, wrapped, destroyed_at) values ($1, null, now())
       on conflict (subject) do update set wrapped = null, destroyed_at = now() where k.destroyed_at is null`,
      [subject]
    )
    this.forget(subject)
    return affected === 1
  }

  /** Lets go of a key in memory: once more after the commit of its end, for who read it meanwhile. */
  forget(subject: string): void {
    this.#cache.delete(subject)
  }

  #hold(subject: string, key: Buffer): void {
    this.#cache.delete(subject)
    this.#cache.set(subject, { key, until: this.#now() + this.#cacheMs })
    if (this.#cache.size > this.#cacheSize) this.#cache.delete(this.#cache.keys().next().value!)
  }
}
