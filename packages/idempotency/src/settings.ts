import { allowedHeaders, REPLAYED_HEADERS } from './answer.ts'

/** Where time comes from. It has the shape of the clock of `@plimsoll/resilience`, so that one clock serves both. */
export interface Clock {
  /** Milliseconds since some start. Never goes back. */
  now(): number
  setTimer(fn: () => void, ms: number): unknown
  clearTimer(handle: unknown): void
}

export interface IdempotentOptions {
  /** How long an owner may be silent before another takes over, in milliseconds, from 100. Default 10,000. */
  leaseMs?: number
  /** How long a handler's lease is renewed, in milliseconds. One that hangs longer loses its key. Default 120,000. */
  maxRunMs?: number
  /** How long answers are kept, in milliseconds; at least `maxRunMs`. Default 172,800,000 (48 hours, as Orb does). */
  ttlMs?: number
  /** Largest body of an answer, in bytes. Default 1,000,000. */
  maxAnswerBytes?: number
  /** Headers that a replay carries. Default `REPLAYED_HEADERS`. */
  headers?: readonly string[]
  /** Decides when a lease is renewed. Default: the machine's. */
  clock?: Clock
}

export interface Settings {
  leaseMs: number
  maxRunMs: number
  ttlMs: number
  maxAnswerBytes: number
  headers: ReadonlySet<string>
  clock: Clock
}

/** Its timers keep no process alive: a lease that nobody renews is what leases are for. */
const machineClock: Clock = {
  now: () => performance.now(),
  setTimer: (fn, ms) => setTimeout(fn, ms).unref(),
  clearTimer: handle => clearTimeout(handle as NodeJS.Timeout)
}

const YEAR_MS = 366 * 86_400_000

/** @throws RangeError for what is out of range */
export function settingsOf(options: IdempotentOptions): Settings {
  const leaseMs = range('leaseMs', options.leaseMs ?? 10_000, 100, 3_600_000)
  const maxRunMs = range('maxRunMs', options.maxRunMs ?? Math.max(120_000, leaseMs), leaseMs, 86_400_000)
  return {
    leaseMs,
    maxRunMs,
    ttlMs: range('ttlMs', options.ttlMs ?? 48 * 3_600_000, maxRunMs, YEAR_MS),
    maxAnswerBytes: range('maxAnswerBytes', options.maxAnswerBytes ?? 1_000_000, 0, 100_000_000),
    headers: allowedHeaders(options.headers ?? REPLAYED_HEADERS),
    clock: options.clock ?? machineClock
  }
}

function range(name: string, value: number, least: number, most: number): number {
  if (!(value >= least && value <= most)) throw new RangeError(`${name} is from ${least} to ${most}, not ${value}`)
  return value
}
