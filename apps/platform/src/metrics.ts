import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Database } from '@plimsoll/database'
import type { Analytics } from '@plimsoll/service-analytics'
import type { RegisteredUsers } from '@plimsoll/service-metadata'
import type { Telemetry } from '@plimsoll/service-telemetry'
import type { FastifyInstance } from 'fastify'
import type { BrokerRelay } from './broker/relay.ts'
import { type Subscribers, subscriberMetrics } from './subscribers.ts'
import { viewMetrics } from './view-metrics.ts'

interface Sources {
  primary: Database
  read: Database
  telemetry: Telemetry
  analytics: Analytics
  subscribers: Subscribers
  /** What metadata knows of users; none when its API is elsewhere. */
  registered: Pick<RegisteredUsers, 'failures'> | undefined
  /** What publishes to a broker; none when none is set. */
  carrying: BrokerRelay | undefined
}

/** `/metrics` in Prometheus' text format. Figures only, no names of users or projects, so it needs no key. */
export function metricsRoute(
  app: FastifyInstance,
  { primary, read, telemetry, analytics, registered, subscribers, carrying }: Sources
): void {
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  app.addHook('onClose', async () => void loop.disable())
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    const lines: string[] = []
    const metric = (name: string, type: 'counter' | 'gauge', help: string, value: number, labels = '') => {
      if (!lines.some(line => line.startsWith(`# TYPE ${name} `)))
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
      lines.push(`${name}${labels} ${value}`)
    }
    for (const [store, database] of [['primary', primary] as const, ['read', read] as const]) {
      const figures = await database.statistics().catch(() => undefined)
      metric('plimsoll_store_up', 'gauge', '1 when the store answers.', figures ? 1 : 0, `{store="${store}"}`)
      if (!figures) continue
      metric(
        'plimsoll_store_commits_total',
        'counter',
        'Transactions committed.',
        figures.commits,
        `{store="${store}"}`
      )
      metric(
        'plimsoll_store_rollbacks_total',
        'counter',
        'Transactions rolled back.',
        figures.rollbacks,
        `{store="${store}"}`
      )
      metric(
        'plimsoll_store_waiting',
        'gauge',
        'Statements waiting for a connection.',
        figures.waiting,
        `{store="${store}"}`
      )
    }
    metric('plimsoll_ingest_pending', 'gauge', 'Events waiting for a commit.', telemetry.ingest.pending)
    const spool = telemetry.ingest.spool?.snapshot()
    if (spool) {
      metric('plimsoll_spool_events', 'gauge', 'Events on disk that wait for the primary store.', spool.events)
      metric('plimsoll_spool_records', 'gauge', 'Requests whose events they are.', spool.records)
      metric('plimsoll_spool_bytes', 'gauge', 'Bytes that the spool takes on the disk.', spool.bytes)
      metric(
        'plimsoll_spool_oldest_age_seconds',
        'gauge',
        'Age of the oldest of them; 0 when nothing waits.',
        (spool.oldestAgeMs ?? 0) / 1000
      )
      metric('plimsoll_spool_store_away', 'gauge', '1 while the primary store is believed away.', spool.away ? 1 : 0)
      metric('plimsoll_spool_shed_total', 'counter', 'Events not taken, the spool being nearly full.', spool.shed)
    }
    const { state } = analytics
    metric('plimsoll_analytics_lag_seconds', 'gauge', 'Age of the oldest event not yet counted.', state.lagMs / 1000)
    metric(
      'plimsoll_analytics_failures',
      'gauge',
      'Failed rounds of the projection since the last that worked.',
      state.failures
    )
    if (registered)
      metric(
        'plimsoll_metadata_failures',
        'gauge',
        'Failures of metadata to follow users since the last page it took.',
        registered.failures
      )
    viewMetrics(analytics.views(), metric)
    await subscriberMetrics(subscribers, metric)
    if (carrying) {
      const { up, published } = carrying.relay.state
      const labels = `{broker="${carrying.broker}"}`
      metric('plimsoll_broker_up', 'gauge', '1 when the broker answers.', up ? 1 : 0, labels)
      metric('plimsoll_broker_published_total', 'counter', 'Entries of the log published.', published, labels)
    }
    const breaker = telemetry.policy.snapshot().breaker?.state ?? 'none'
    for (const name of ['closed', 'open', 'half-open']) {
      metric(
        'plimsoll_breaker_state',
        'gauge',
        '1 for the state the breaker is in.',
        breaker === name ? 1 : 0,
        `{policy="metadata",state="${name}"}`
      )
    }
    metric(
      'plimsoll_event_loop_delay_p99_seconds',
      'gauge',
      'Delay of the event loop since the last time it was asked for.',
      loop.percentile(99) / 1e9
    )
    loop.reset()
    metric('process_resident_memory_bytes', 'gauge', 'Memory held.', process.memoryUsage.rss())
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(`${lines.join('\n')}\n`)
  })
}
