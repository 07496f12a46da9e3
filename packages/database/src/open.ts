import { resolve } from 'node:path'
import { openPglite, type PgliteOptions } from './adapters/pglite/pglite.ts'
import { openPostgres, type PostgresOptions } from './adapters/postgres/postgres.ts'
import type { Database } from './database.ts'
import { DatabaseError } from './errors.ts'

/**
 * Opens a database by its address: `pglite://DIRECTORY` is embedded (its own thread, synced, made when new),
 * `postgres://…` is a server. Rejects with `DirectoryLockedError` when another process has the directory.
 */
export async function open(url: string, options: PostgresOptions & PgliteOptions = {}): Promise<Database> {
  if (url.startsWith('pglite://')) {
    const directory = url.slice('pglite://'.length)
    if (directory === '')
      throw new DatabaseError('pglite:// needs a directory, as in pglite://data/primary', 'PLIMSOLL_BAD_URL')
    return openPglite(resolve(directory), options)
  }
  if (url.startsWith('postgres://') || url.startsWith('postgresql://')) return openPostgres(url, options)
  throw new DatabaseError(
    `"${url.split(':', 1)[0]}:" is not an address this package can open; use pglite://DIRECTORY or postgres://HOST/NAME`,
    'PLIMSOLL_BAD_URL'
  )
}
