import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Database, Queryable } from './database.ts'
import { DatabaseError } from './errors.ts'

/** A migration on disk is not the one that was applied. What has run is history: add a new file instead. */
export class MigrationChangedError extends DatabaseError {
  override name = 'MigrationChangedError'
  constructor(owner: string, file: string) {
    super(
      `migration ${owner}/${file} was changed after it was applied. Restore the file and put the change into a new one.`,
      'PLIMSOLL_MIGRATION_CHANGED'
    )
  }
}

/** The database was written by a newer version, or the files have a gap or a double number. */
export class MigrationOrderError extends DatabaseError {
  override name = 'MigrationOrderError'
  constructor(message: string) {
    super(message, 'PLIMSOLL_MIGRATION_ORDER')
  }
}

export interface Migration {
  number: number
  file: string
  sql: string
  hash: string
}

const named = /^(\d{4})_[a-z0-9_]+\.sql$/

/** Reads `0001_name.sql`, `0002_…` from a folder; numbers start at 1 and have no gap. */
export async function readMigrations(folder: URL): Promise<Migration[]> {
  const path = fileURLToPath(folder)
  const files = (await readdir(path)).filter(file => file.endsWith('.sql')).sort()
  return Promise.all(
    files.map(async (file, index) => {
      const number = Number(named.exec(file)?.[1])
      if (number !== index + 1) {
        throw new MigrationOrderError(
          `${file} should be number ${index + 1}: migrations are named 0001_name.sql, without gaps`
        )
      }
      const sql = await readFile(join(path, file), 'utf8')
      return { number, file, sql, hash: createHash('sha256').update(sql).digest('hex') }
    })
  )
}

const ledger = `create table if not exists plimsoll_migrations (
  owner text not null, number int not null, file text not null, hash text not null,
  applied_at timestamptz not null default now(), primary key (owner, number))`

export interface MigrateOptions {
  /**
   * Put in place of `:"schema"` in the files, quoted: for a package whose tables live in a schema that its user names.
   * A lower-case name of up to 63 letters, digits and underscores. The form is that of a variable of psql.
   */
  schema?: string
}

/** An index over a large table, and whoever waits for another process to make it, take their time: an hour. */
const patient = { statementTimeoutMs: 3_600_000 }

/**
 * Applies what is missing of `owner`'s migrations, each in a transaction of its own, and checks that what was applied
 * is still what is on disk. Safe to call from several processes at once. Returns the files applied now.
 */
export async function migrate(
  database: Database,
  owner: string,
  folder: URL,
  { schema }: MigrateOptions = {}
): Promise<string[]> {
  if (schema !== undefined && !/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw new RangeError(`"${schema}" cannot be the name of a schema: use lower-case letters, digits and underscores`)
  }
  const migrations = await readMigrations(folder)
  // Most starts find all of it applied, and each transaction would be some trips to the engine.
  if (await isUpToDate(database, owner, migrations)) return []
  // Concurrent CREATE TABLE IF NOT EXISTS can collide in the catalogue, so it takes the same lock as the rest.
  await database.transaction(async tx => {
    await lock(tx)
    await tx.exec(ledger)
  }, patient)
  const applied: string[] = []
  for (const migration of migrations) {
    const ran = await database.transaction(async tx => {
      await lock(tx)
      if (await isApplied(tx, owner, migration)) return false
      await tx.exec(schema === undefined ? migration.sql : migration.sql.replaceAll(':"schema"', `"${schema}"`))
      await tx.query('insert into plimsoll_migrations (owner, number, file, hash) values ($1, $2, $3, $4)', [
        owner,
        migration.number,
        migration.file,
        migration.hash
      ])
      return true
    }, patient)
    if (ran) applied.push(migration.file)
  }
  const { rows } = await database.query<{ file: string }>(
    'select file from plimsoll_migrations where owner = $1 and number > $2 order by number limit 1',
    [owner, migrations.length]
  )
  if (rows[0]) {
    throw new MigrationOrderError(
      `the database has ${owner}/${rows[0].file}, which this version does not know: it was written by a newer version`
    )
  }
  return applied
}

/** One look. What is not as it should be, or not there at all, is left to the way that says what it is. */
async function isUpToDate(db: Queryable, owner: string, migrations: readonly Migration[]): Promise<boolean> {
  const { rows: made } = await db.query<{ made: boolean }>(
    "select to_regclass('plimsoll_migrations') is not null as made"
  )
  if (!made[0]!.made) return false
  const { rows } = await db.query<{ number: number; hash: string }>(
    'select number, hash from plimsoll_migrations where owner = $1 order by number',
    [owner]
  )
  return (
    rows.length === migrations.length &&
    migrations.every(({ number, hash }, i) => rows[i]!.number === number && rows[i]!.hash === hash)
  )
}

/** 0x504c494d is "PLIM": one migration at a time on a server, whoever runs it. */
async function lock(tx: Queryable): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [0x504c494d])
}

async function isApplied(tx: Queryable, owner: string, migration: Migration): Promise<boolean> {
  const { rows } = await tx.query<{ file: string; hash: string }>(
    'select file, hash from plimsoll_migrations where owner = $1 and number = $2',
    [owner, migration.number]
  )
  if (!rows[0]) return false
  if (rows[0].hash !== migration.hash) throw new MigrationChangedError(owner, migration.file)
  return true
}
