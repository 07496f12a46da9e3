import type { Database } from '@plimsoll/database'
import { logBroker, migrateLogBroker } from './log.ts'

/** For consumers in processes of their own, in tests. */
export default async function connect(_argument: unknown, database: Database) {
  await migrateLogBroker(database)
  return logBroker({ database, partitions: 4 })
}
