import { openScratch } from '@plimsoll/database/testing'
import { pubsubConformance } from '../../conformance.ts'
import connect from './connected-worker.ts'
import { logCapabilities } from './log.ts'

const name = process.env.PLIMSOLL_DATABASE_URL ? 'log on a PostgreSQL server' : 'log, embedded'

pubsubConformance(name, logCapabilities, { engine: false, network: false }, async () => {
  const database = await openScratch()
  return {
    database,
    connect: db => connect(null, db),
    process: { module: new URL('./connected-worker.ts', import.meta.url), argument: null },
    close: () => database.close()
  }
})
