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
    const primary = await open(settings.databaseUrl)
    return { primary, read: await open(settings.readDatabaseUrl || settings.databaseUrl) }
  }
  const primaryDirectory = join(data, 'primary')
  const readDirectory = join(data, 'read')
  // A directory takes seconds to make and no time to copy: at a first start the primary is empty and closed here.
  const isNew = !existsSync(join(primaryDirectory, 'PG_VERSION'))
  await createDirectory(primaryDirectory)
  await createDirectory(readDirectory, isNew ? { template: primaryDirectory } : {})
  const [primary, read] = await Promise.all([
    open(`pglite://${primaryDirectory}`),
    settings.readDatabaseUrl ? open(settings.readDatabaseUrl) : open(`pglite://${readDirectory}`)
  ])
  return { primary, read }
}

/** Where events are kept while the primary store is away, if they are. */
export function spoolIn(data: string, { spoolBytes }: Settings): { directory: string; maxBytes: number } | undefined {
  return spoolBytes === 0 ? undefined : { directory: join(data, 'spool'), maxBytes: spoolBytes }
}
