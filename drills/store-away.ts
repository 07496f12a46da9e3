import {
  atLeast,
  atMost,
  during,
  type StartedPlatform,
  startLoad,
  startPlatformProcess,
  watchEndpoint
} from '@plimsoll/bench'
import { namedAim, namedFigures, watchCause } from './causes/named.ts'
import type { Drill } from './drill.ts'
import { project } from './night.ts'
import { settledBooks } from './settled-books.ts'
import { undoWhenInterrupted } from './undo.ts'

/** Requests a second, and events in each: what two cores take with half of their time to spare. */
const rate = 200
const batchSize = 10
/** Of the load's first seconds nothing is counted. */
const warmSeconds = 3
const seconds = 8

interface Spool {
  events: number
  oldestAgeMs: number | null
}

/** The primary store cannot be reached for a while: events are taken onto the disk, and written when it is back. */
export const storeAway: Drill = {
  about: 'the primary store cannot be reached for eight seconds; events are spooled and written afterwards',
  async run({ note }) {
    const platform = await startPlatformProcess({
      // What it says of the outage each second would drown the progress.
      flags: ['--fault-knobs', '--log-level', 'fatal']
    })
    const end = () => platform.stop()
    const settled = undoWhenInterrupted(end)
    try {
      const health = watchEndpoint(`${platform.healthUrl}/health`, { everyMs: 25, accept: [503] })
      const load = startLoad({
        kind: 'batch',
        batchSize,
        host: platform.host,
        port: platform.port,
        path: '/v1/events',
        users: 50_000,
        worker: 4,
        connections: 64,
        rate,
        durationMs: (warmSeconds + 3 * seconds) * 1_000,
        headers: { authorization: `Bearer ${await platform.createKey(project)}` }
      })
      const startedAt = performance.now()
      const at = (second: number) =>
        new Promise(resolve => setTimeout(resolve, Math.max(0, startedAt + second * 1_000 - performance.now())))
      await at(warmSeconds)
      note('  healthy')
      await at(warmSeconds + seconds)
      note('  away')
      const asking = watchCause(platform.data, { rule: 'store-gone', subject: 'primary' }, seconds * 1_000)
      await keepAway(platform, seconds * 1_000)
      await at(warmSeconds + 2 * seconds - 0.5)
      const waited = await platform.get<Spool>('/v1/spool', project)
      await at(warmSeconds + 2 * seconds)
      note('  back')
      await keepAway(platform, 0)
      const backAt = performance.now()
      const drainSeconds = await untilDrained(platform, backAt)
      const report = await load.done
      const ledger = await settledBooks(platform)
      const named = await asking
      const healthy = during(report, warmSeconds, warmSeconds + seconds)
      const away = during(report, warmSeconds + seconds, warmSeconds + 2 * seconds)
      const back = during(report, warmSeconds + 2 * seconds, warmSeconds + 3 * seconds)
      const watched = await health.stop()
      return {
        incident: named.incident,
        figures: {
          'healthy: events/s, ack p50 and p99 ms': [healthy.eventsPerSecond, healthy.p50, healthy.p99].map(Math.round),
          'away: events/s, ack p50 and p99 ms': [away.eventsPerSecond, away.p50, away.p99].map(Math.round),
          'back: events/s, ack p50 and p99 ms': [back.eventsPerSecond, back.p50, back.p99].map(Math.round),
          'events that waited at the end of the outage': waited.events,
          'age of the oldest then, ms': waited.oldestAgeMs,
          'seconds from its return until nothing waited, under load': drainSeconds,
          'events acknowledged': report.events,
          'answers by status': report.statuses,
          ledger,
          '/health': watched,
          'what why said': namedFigures(named)
        },
        aims: [
          namedAim('away', named),
          atLeast('events that waited on disk', waited.events, 1, ''),
          atLeast('rate kept while away (P4)', away.eventsPerSecond / healthy.eventsPerSecond, 0.95, ''),
          atMost('ack p99 while away', away.p99, 250, 'ms'),
          // The door may close for a moment as the store goes or comes back; it says when to send again.
          atMost('share refused or without an answer', (report.requests - report.ok) / report.requests, 0.01, ''),
          atMost('seconds until nothing waited', drainSeconds, 20, 's'),
          atMost('acknowledged and lost (P1)', Math.max(0, report.events - ledger.accepted), 0, 'events'),
          atMost('counted twice (P2)', Math.max(0, ledger.accepted - report.requests * batchSize), 0, 'events'),
          atLeast('books balance (P3)', ledger.balanced && ledger.pending === 0 ? 1 : 0, 1, ''),
          atMost('/health p99 (P7)', watched.p99, 50, 'ms'),
          atMost('/health without an answer (P7)', watched.failed, 0, '')
        ]
      }
    } finally {
      await end()
      settled()
    }
  }
}

async function keepAway(platform: StartedPlatform, awayStoreMs: number): Promise<void> {
  const response = await fetch(`${platform.url}/admin/faults`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${platform.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ awayStoreMs })
  })
  if (!response.ok) throw new Error(`taking the store away: ${response.status} ${await response.text()}`)
}

/** Waits, for a minute at most, until nothing waits on the disk; resolves with the seconds since `from`. */
async function untilDrained(platform: StartedPlatform, from: number): Promise<number> {
  for (;;) {
    const { events } = await platform.get<Spool>('/v1/spool', project)
    const passed = (performance.now() - from) / 1_000
    if (events === 0 || passed > 60) return passed
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
