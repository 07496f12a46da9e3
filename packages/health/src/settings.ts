import type { Check } from './checks/check.ts'
import type { Clock } from './clock.ts'
import { backgroundClock, systemClock } from './clock.ts'
import type { HealthError } from './errors.ts'
import { checkRange, checkWhole, DAY_MS } from './ranges.ts'
import type { ServerSettings } from './thread/server.ts'

export interface HealthOptions {
  /** 0 takes a free one; it is then in `health.port`. */
  port: number
  /** Default `127.0.0.1`. For probes from elsewhere, as a kubelet's, the address they reach. */
  host?: string
  /** Silence of the main thread for longer than this is an illness. Milliseconds, from 100. Default 2,000. */
  stuckAfterMs?: number
  /** Made by `check`; at most 64. */
  checks?: readonly Check[]
  /** Shown as `releaseId` and `serviceId` in every answer. */
  release?: string
  service?: string
  /** The 99th percentile of the event loop's delay that is worth a warning in the report. Milliseconds. Default 250. */
  loopDelayWarnMs?: number
  /** The share of the heap's limit that is worth a warning in the report. Default 0.9. */
  heapWarnShare?: number
  /** Connections at most; the quietest makes room for a new one. Default 256. */
  maxConnections?: number
  /** A request whose headers take longer is refused. Milliseconds. Default 2,000. */
  headersTimeoutMs?: number
  /** How long a connection may wait for its next request. Milliseconds. Default 5,000. */
  keepAliveMs?: number
  /** Hears of deaths of the answering thread, which is started again by itself. Default: nobody. */
  onError?: (error: HealthError) => void
  /** Decides when checks run and how long a drain waits. Ages are by the machine's own time. Default: the machine's. */
  clock?: Clock
}

const MOST_CHECKS = 64

/** @throws RangeError for what is out of range. */
export function healthSettings(options: HealthOptions): {
  port: number
  host: string
  checks: readonly Check[]
  server: ServerSettings
  onError: (error: HealthError) => void
  background: Clock
  clock: Clock
} {
  const { checks = [], clock } = options
  if (checks.length > MOST_CHECKS) throw new RangeError(`${checks.length} checks are more than ${MOST_CHECKS}`)
  const names = new Set<string>()
  for (const { name } of checks) {
    if (names.has(name)) throw new RangeError(`two checks are named '${name}'`)
    names.add(name)
  }
  return {
    port: checkWhole('port', options.port, 0, 65_535),
    host: options.host ?? '127.0.0.1',
    checks: [...checks],
    server: {
      stuckAfterMs: checkRange('stuckAfterMs', options.stuckAfterMs ?? 2_000, 100, DAY_MS),
      loopDelayWarnMs: checkRange('loopDelayWarnMs', options.loopDelayWarnMs ?? 250, 1, DAY_MS),
      heapWarnShare: checkRange('heapWarnShare', options.heapWarnShare ?? 0.9, 0, 1),
      maxConnections: checkWhole('maxConnections', options.maxConnections ?? 256, 1, 10_000),
      headersTimeoutMs: checkRange('headersTimeoutMs', options.headersTimeoutMs ?? 2_000, 1, DAY_MS),
      keepAliveMs: checkRange('keepAliveMs', options.keepAliveMs ?? 5_000, 1, DAY_MS),
      release: options.release,
      service: options.service
    },
    onError: options.onError ?? (() => undefined),
    background: clock ?? backgroundClock,
    clock: clock ?? systemClock
  }
}
