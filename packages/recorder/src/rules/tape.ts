import type { BlackBoxRecord, Occurrence, Source } from '../record.ts'

/** What a well platform measures under a third of its load, second by second, for tests of rules. */
export const well: Readonly<Record<string, number>> = {
  'cpu.process': 0.55,
  'cpu.cores': 2,
  'cpu.machine': 0.45,
  'cpu.waiting': 0.1,
  'memory.rss': 410e6,
  'memory.heap': 92e6,
  'memory.heap.limit': 2_096e6,
  'memory.limit': 8e9,
  'memory.available': 5e9,
  'loop.delay.p99': 12,
  'loop.delay.max': 28,
  'loop.utilisation': 0.4,
  'gc.time': 9,
  'files.open': 78,
  'files.limit': 65_536,
  'disk.free': 19e9,
  'disk.total': 250e9,
  'clock.jump': 0,
  'http.requests': 300,
  'http.refused': 0,
  'http.failed': 0,
  'http.denied': 0,
  'http.running': 4,
  'ingest.accepted': 1_500,
  'ingest.duplicate': 3,
  'ingest.busiest': 0.4,
  'store.primary.up': 1,
  'store.primary.commit': 7,
  'store.primary.waiting': 0,
  'store.primary.in-use': 1,
  'store.primary.size': 10,
  'store.primary.held': 4,
  'store.read.up': 1,
  'store.read.commit': 9,
  'dependency.metadata.calls': 60,
  'dependency.metadata.failed': 0,
  'dependency.metadata.timed-out': 0,
  'dependency.metadata.refused': 0,
  'dependency.metadata.p50': 5,
  'dependency.metadata.p99': 8,
  'dependency.metadata.budget': 200,
  'dependency.metadata.breaker': 0,
  'subscriber.analytics.lag': 90,
  'subscriber.analytics.lag.time': 120,
  'subscriber.analytics.rate': 1_500,
  'subscriber.analytics.failures': 0,
  'subscriber.analytics.parked': 0,
  'subscriber.analytics.alive': 1,
  'spool.events': 0,
  'spool.failed': 0,
  'broker.redis.up': 1,
  'broker.redis.behind': 12
}

const watched: Readonly<Record<string, number>> = {
  'platform.phase': 1,
  'platform.silent': 300,
  'platform.cpu': 0.55,
  'platform.rss': 410e6,
  'platform.stopped': 0,
  'probe.health': 2,
  'cpu.machine': 0.45,
  'clock.jump': 0
}

export type Values = Record<string, number> | ((second: number) => Record<string, number>)

/** A short recording: well seconds, then whatever is put there. */
export class Tape {
  readonly records: BlackBoxRecord[] = []
  at = Date.UTC(2026, 10, 28, 3)

  /** Samples of both sources; what is named is in place of what is well. */
  seconds(count: number, platform: Values = {}, watcher: Values = {}): this {
    for (let second = 0; second < count; second++) {
      this.at += 1_000
      const of = (values: Values) => (typeof values === 'function' ? values(second) : values)
      this.records.push({ kind: 'sample', at: this.at, source: 'platform', values: { ...well, ...of(platform) } })
      this.records.push({ kind: 'sample', at: this.at, source: 'watcher', values: { ...watched, ...of(watcher) } })
    }
    return this
  }

  /** The platform writes nothing for so long. */
  silence(count: number, watcher: Values): this {
    for (let second = 0; second < count; second++) {
      this.at += 1_000
      const values = typeof watcher === 'function' ? watcher(second) : watcher
      this.records.push({ kind: 'sample', at: this.at, source: 'watcher', values: { ...watched, ...values } })
    }
    return this
  }

  happens(
    name: string,
    detail: NonNullable<Occurrence['detail']> = {},
    subject?: string,
    source: Source = 'platform'
  ): this {
    this.records.push({
      kind: 'occurrence',
      at: this.at,
      source,
      name,
      ...(subject === undefined ? {} : { subject }),
      detail
    })
    return this
  }
}
