import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createDirectory, type Database, open } from '@plimsoll/database'
import type { Settings } from './settings.ts'

export interface Stores {
  primary: Database
  read: Database
}

/** The two stores: a scan on the read store cannot hold up a write. On a server both may live in one database. */
export async function openStores(settings: Settings, data: string): Promise<Stores> {
  if (settings.databaseUrl !== '') {
    // Less than the longest that a request waits: what a silent server leaves unanswered can still be spooled.
    const primary = open(settings.databaseUrl, { statementTimeoutMs: 8_000 })
    return bothOrNone(primary, open(settings.readDatabaseUrl || settings.databaseUrl))
  }
  const primaryDirectory = join(data, 'primary')
  const readDirectory = join(data, 'read')
  // A directory takes seconds to make and no time to copy: at a first start the primary is empty and closed here.
  const isNew = !existsSync(join(primaryDirectory, 'PG_VERSION'))
  await createDirectory(primaryDirectory)
  await createDirectory(readDirectory, isNew ? { template: primaryDirectory } : {})
  // The event loop must not wait for a core until a page of events is in the read models: what was asked before is
  // answered from memory, and must not wait for what is not needed for it.
  const read = settings.readDatabaseUrl
    ? open(settings.readDatabaseUrl)
    : open(`pglite://${readDirectory}`, { background: true })
  return bothOrNone(open(`pglite://${primaryDirectory}`), read)
}

/** One that opened beside one that could not would hold its directory, and the process that gives up. */
async function bothOrNone(...opening: [Promise<Database>, Promise<Database>]): Promise<Stores> {
  const opened = await Promise.allSettled(opening)
  const [primary, read] = opened
  if (primary.status === 'fulfilled' && read.status === 'fulfilled') return { primary: primary.value, read: read.value }
  for (const store of opened) if (store.status === 'fulfilled') await store.value.close().catch(() => undefined)
  throw opened.find(store => store.status === 'rejected')!.reason
}

/** Where the erasure of a user looks for what must not be found: both stores, or the one that is both, and the data folder. */
export function placesOf({ primary, read }: Stores, settings: Settings, data: string) {
  const isOne = settings.databaseUrl !== '' && settings.readDatabaseUrl === ''
  return { databases: isOne ? { primary } : { primary, read }, folders: [data] }
}

/** Where events are kept while the primary store is away, if they are. */
export function spoolIn(data: string, { spoolBytes }: Settings): { directory: string; maxBytes: number } | undefined {
  return spoolBytes === 0 ? undefined : { directory: join(data, 'spool'), maxBytes: spoolBytes }
}
