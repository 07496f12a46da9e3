import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Lowers the priority of the thread that calls. Linux has priorities by thread; elsewhere nothing is done. */
export function yieldToOthers(): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), 10)
  } catch {
    // A system without threads under /proc: all are equal there.
  }
}
