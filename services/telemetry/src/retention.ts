import type { Database } from '@plimsoll/database'
import { bucketAt, keepPartitions, partitionMs } from '@plimsoll/eventlog'
import type { Clock } from '@plimsoll/resilience'
import { limits } from './limits.ts'

/** The log's partitions are looked after so often, in milliseconds. */
const everyMs = 6 * 3_600_000
/** A day between what is refused and what is dropped: what was let in at the last moment is written by then. */
const graceMs = 86_400_000

/** The least that may be kept, in milliseconds: a key must outlive the time in which its event may be sent again. */
export const leastKeptMs = limits.lateMs + graceMs

export interface Retention {
  start(): void
  stop(): Promise<void>
}

export interface RetentionOptions {
  clock: Clock
  keepMs?: number | undefined
  onError(error: unknown): void
}

/** The start of what is kept, in milliseconds since 1970: that of the oldest partition that is not dropped. */
export function keptFrom(now: number, keepMs: number): number {
  return bucketAt(now - keepMs) * partitionMs
}

/**
 * Keeps the log's partitions ahead of the time, and drops those that are older than `keepMs`.
 * @throws RangeError when `keepMs` is less than accepted lateness and a day: keys would be gone before the last resend.
 */
export async function openRetention(
  database: Database,
  { clock, keepMs, onError }: RetentionOptions
): Promise<Retention> {
  if (keepMs !== undefined && !(keepMs >= leastKeptMs))
    throw new RangeError(`events are kept for at least ${leastKeptMs / 86_400_000} days`)
  const round = () =>
    keepPartitions(database, { now: clock.wallNow(), keepMs: keepMs && keepMs + graceMs }).catch(onError)
  // There must be room for what comes next before anything comes.
  await round()
  let timer: ReturnType<Clock['setTimer']> | undefined
  let running: Promise<unknown> = Promise.resolve()
  const again = () => {
    timer = clock.setTimer(() => {
      running = round()
      again()
    }, everyMs)
  }
  return {
    start: again,
    async stop() {
      if (timer !== undefined) clock.clearTimer(timer)
      await running
    }
  }
}
