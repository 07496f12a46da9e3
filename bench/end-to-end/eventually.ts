import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Tries until nothing is thrown any more, for what another process does in its own time. Throws the last failure.
 * @param patienceMs how long to go on
 */
export async function eventually<T>(attempt: () => T | Promise<T>, patienceMs = 20_000): Promise<T> {
  const until = performance.now() + patienceMs
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > until) throw error
    }
    await sleep(50)
  }
}
