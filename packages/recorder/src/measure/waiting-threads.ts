import { readdirSync, readFileSync } from 'node:fs'

/**
 * How many threads of this process wait for a processor though they could run, in the mean since the last look: the kernel's own
 * account of each thread (`/proc/self/task/…/schedstat`). Undefined where it has none.
 */
export class WaitingThreads {
  #waited = new Map<string, number>()
  #at = performance.now()

  read(): number | undefined {
    const now = performance.now()
    const elapsedNs = Math.max(1, (now - this.#at) * 1e6)
    this.#at = now
    const before = this.#waited
    const waited = new Map<string, number>()
    try {
      for (const thread of readdirSync('/proc/self/task')) {
        const ns = waitedNs(thread)
        if (ns !== undefined) waited.set(thread, ns)
      }
    } catch {
      return undefined
    }
    this.#waited = waited
    if (before.size === 0 || waited.size === 0) return undefined
    // A thread that is new waited for nothing that was seen.
    return waited.entries().reduce((sum, [thread, ns]) => sum + ns - (before.get(thread) ?? ns), 0) / elapsedNs
  }
}

/** Undefined of a thread that has just ended. */
function waitedNs(thread: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[1])
  } catch {
    return undefined
  }
}
