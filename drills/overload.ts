import {
  atLeast,
  atMost,
  type During,
  during,
  type LoadOrder,
  type LoadReport,
  runLoad,
  startPlatformProcess,
  watchEndpoint
} from '@plimsoll/bench'
import { type Named, namedAim, namedFigures, watchCause } from './causes/named.ts'
import type { Drill } from './drill.ts'
import { project } from './night.ts'
import { settledBooks } from './settled-books.ts'
import { undoWhenInterrupted } from './undo.ts'

const eventsOf = (reports: readonly LoadReport[]) => reports.reduce((sum, { events }) => sum + events, 0)
/** Without the first seconds, in which caches and code are cold. */
const steady = (report: LoadReport): During => during(report, 2, report.perSecond.length - 1)

/**
 * Events a second in the better moments: three quarters of all steady seconds had less. The machine is shared, and from one
 * second to the next it is as much as a third slower: the best second of the one must not stand beside a bad one of the other.
 */
function rateOf(reports: readonly LoadReport[]): number {
  const seconds = reports.flatMap(({ perSecond }) => perSecond.slice(2, -1).map(({ events }) => events))
  seconds.sort((a, b) => a - b)
  return seconds[Math.floor(seconds.length * 0.75)]!
}

const best = (reports: readonly LoadReport[]): LoadReport =>
  reports.reduce((one, other) => (steady(other).eventsPerSecond > steady(one).eventsPerSecond ? other : one))

/**
 * Twice as much as it can take, for a while, and then a crowd that sends the next as soon as it is refused: it does all it can,
 * and what it takes it takes in time.
 */
export const overload: Drill = {
  about: 'twice as many events as can be written are offered',
  async run({ quick, note }) {
    const durationMs = quick ? 5_000 : 10_000
    const platform = await startPlatformProcess()
    const end = () => platform.stop()
    const settled = undoWhenInterrupted(end)
    try {
      const order: Omit<LoadOrder, 'connections'> = {
        kind: 'batch',
        batchSize: 100,
        host: platform.host,
        port: platform.port,
        path: '/v1/events',
        users: 50_000,
        worker: 3,
        durationMs,
        headers: { authorization: `Bearer ${await platform.createKey(project)}` }
      }
      const health = watchEndpoint(`${platform.healthUrl}/health`, { everyMs: 25, accept: [503] })
      const ready = watchEndpoint(`${platform.healthUrl}/ready`, { everyMs: 25, accept: [503] })
      const dashboard = watchEndpoint(`${platform.url}/v1/dashboard?project=${project}`, {
        everyMs: 200,
        headers: { authorization: `Bearer ${platform.adminToken}` }
      })
      let worker = order.worker
      const load = (over: Pick<LoadOrder, 'connections' | 'rate'>) => runLoad({ ...order, worker: worker++, ...over })
      const peaks: LoadReport[] = []
      const floods: LoadReport[] = []
      const crowds: LoadReport[] = []
      const named: Named[] = []
      // In turns, the best of each: the machine is shared, and a slow moment must not pass for a collapse.
      for (let round = 0; round < 3; round++) {
        note('  the most it can take')
        peaks.push(await load({ connections: 48 }))
        const twice = 2 * rateOf(peaks)
        note(`  twice that: ${Math.round(twice).toLocaleString('en-GB')} events/s`)
        const asking = watchCause(platform.data, { rule: 'overload' }, durationMs + 2_000)
        floods.push(await load({ connections: 1_000, rate: twice / order.batchSize }))
        named.push(await asking)
        note('  256 senders that do not wait')
        crowds.push(await load({ connections: 256 }))
      }
      const peak = best(peaks)
      const flood = best(floods)
      const capacity = rateOf(peaks)
      const taken = rateOf(floods)
      const takenOfCrowd = rateOf(crowds)
      note('  half of it')
      const afters: LoadReport[] = []
      for (let round = 0; round < 2; round++)
        afters.push(await load({ connections: 64, rate: (0.5 * capacity) / order.batchSize }))
      const after = afters.reduce((one, other) => (steady(other).okP99 < steady(one).okP99 ? other : one))
      const watched = await Promise.all([health.stop(), ready.stop(), dashboard.stop()])
      const ledger = await settledBooks(platform)
      const sent = [...peaks, ...floods, ...crowds, ...afters]
      const overloaded = steady(flood)
      const said = named.find(({ place }) => place === 1) ?? named[0]!
      return {
        incident: said.incident,
        figures: {
          'events/s at the peak': capacity,
          'events/s offered at twice that': flood.requests > 0 ? (flood.requests * order.batchSize) / flood.seconds : 0,
          'events/s taken at twice that': taken,
          'ack p99 ms at the peak': steady(peak).okP99,
          'ack p99 ms of what was taken at twice that': overloaded.okP99,
          'answers by status at twice that': flood.statuses,
          'events/s taken from 256 senders that do not wait': takenOfCrowd,
          'answers by status to those': best(crowds).statuses,
          'ack p99 ms at half of it, afterwards': steady(after).okP99,
          'events acknowledged': eventsOf(sent),
          ledger,
          '/health': watched[0],
          '/ready': watched[1],
          dashboard: watched[2],
          'what why said': namedFigures(said)
        },
        aims: [
          namedAim('overloaded', said),
          atLeast('taken at twice the capacity, of the peak', taken / capacity, 0.9, ''),
          atLeast('taken from 256 senders that do not wait, of the peak', takenOfCrowd / capacity, 0.8, ''),
          atMost('ack p99 of what was taken', overloaded.okP99, 2_500, 'ms'),
          atLeast('refused with a time to come back', flood.statuses['503'] ?? 0, 1, 'requests'),
          atLeast(
            'taken afterwards, of half of the capacity',
            steady(after).eventsPerSecond / (0.5 * capacity),
            0.95,
            ''
          ),
          atMost('ack p99 afterwards', steady(after).okP99, 250, 'ms'),
          atMost('acknowledged and lost (P1)', Math.max(0, eventsOf(sent) - ledger.accepted), 0, 'events'),
          atLeast('books balance (P3)', ledger.balanced && ledger.pending === 0 ? 1 : 0, 1, ''),
          atMost('/health p99 (P7)', watched[0].p99, 50, 'ms'),
          atMost('/ready p99 (P7)', watched[1].p99, 50, 'ms'),
          atMost('dashboard questions that failed (P6)', watched[2].failed, 0, '')
        ]
      }
    } finally {
      await end()
      settled()
    }
  }
}
