import { brokers } from './brokers.ts'
import { cqrs } from './cqrs.ts'
import { dashboard } from './dashboard.ts'
import { eventlog } from './eventlog.ts'
import { optionsFrom, report } from './form.ts'
import { growth } from './growth.ts'
import { ingest } from './ingest.ts'
import { isolation } from './isolation.ts'
import { pubsub } from './pubsub.ts'
import { rebuild } from './rebuild.ts'
import { recorder } from './recorder.ts'
import { resilienceFaults } from './resilience/faults/faults.ts'
import { resilience } from './resilience/overhead.ts'
import { restart } from './restart.ts'

/** `npm run bench -- NAME [--quick] [--json]`. */
const benches = {
  ingest,
  growth,
  brokers,
  dashboard,
  cqrs,
  eventlog,
  isolation,
  pubsub,
  rebuild,
  recorder,
  resilience,
  'resilience-faults': resilienceFaults,
  restart
} as const

const [name, ...rest] = process.argv.slice(2)
const bench = Object.hasOwn(benches, name ?? '') ? benches[name as keyof typeof benches] : undefined
if (!name || !bench) {
  process.stderr.write(
    `usage: npm run bench -- NAME [--quick] [--json], where NAME is one of ${Object.keys(benches).join(', ')}\n`
  )
  process.exitCode = 2
} else process.exitCode = await report(`bench ${name}`, optionsFrom(rest), bench)
