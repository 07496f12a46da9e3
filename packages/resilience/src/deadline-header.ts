import type { Clock } from './clock.ts'

/** The header in which a deadline travels: the whole milliseconds that are left, as gRPC's `grpc-timeout` does. */
export const DEADLINE_HEADER = 'X-Request-Deadline'

const LONGEST_MS = 3_600_000

/**
 * The deadline for `run` that a header asks for, or `null` when it is absent or not a whole number of milliseconds.
 *
 * The header says what is left and not an instant, so the two machines' clocks need not agree; the time on the wire is
 * lost. More than an hour is taken as an hour.
 */
export function parseDeadlineHeader(value: string | null | undefined, clock: Pick<Clock, 'now'>): number | null {
  if (value === null || value === undefined || !/^\s*\d{1,15}\s*$/.test(value)) return null
  return clock.now() + Math.min(Number(value), LONGEST_MS)
}

/** What to put into the header for a deadline: rounded down, 0 when it is over, `null` when there is none. */
export function formatDeadlineHeader(deadline: number, clock: Pick<Clock, 'now'>): string | null {
  if (deadline === Infinity) return null
  return String(Math.max(0, Math.floor(deadline - clock.now())))
}
