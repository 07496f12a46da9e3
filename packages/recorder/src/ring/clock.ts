import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

/** The times that a record is stamped with. */
export interface RecorderClock {
  /** Milliseconds since 1970, which may jump. */
  wallNow(): number
  /** Milliseconds since the machine was started, its sleep included: never jumps, and the same for every process. */
  upNow(): number
  /** Which start of the machine it is; empty where it cannot be known. */
  readonly boot: string
}

export const machineClock: RecorderClock = {
  wallNow: () => Date.now(),
  upNow: () => uptime() * 1_000,
  boot: bootId()
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}
