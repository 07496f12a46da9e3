import { readFileSync } from 'node:fs'

const kinds = ['cpu', 'io', 'memory'] as const

/**
 * The share of the time in which some task of the machine was held up for want of processor, disk or memory: Linux's
 * pressure stall information (`/proc/pressure`), since the last look. Nothing where the kernel does not have it.
 */
export class Pressure {
  #last = new Map<string, number>()
  #at = performance.now()

  read(): Record<string, number> {
    const now = performance.now()
    const elapsedUs = Math.max(1, (now - this.#at) * 1_000)
    this.#at = now
    const values: Record<string, number> = {}
    for (const kind of kinds) {
      const total = totalOf(kind)
      if (total === undefined) continue
      const last = this.#last.get(kind)
      this.#last.set(kind, total)
      if (last !== undefined) values[`pressure.${kind}`] = Math.min(1, Math.max(0, (total - last) / elapsedUs))
    }
    return values
  }
}

function totalOf(kind: string): number | undefined {
  try {
    const [, total] = /^some .*total=(\d+)/m.exec(readFileSync(`/proc/pressure/${kind}`, 'utf8')) ?? []
    return total === undefined ? undefined : Number(total)
  } catch {
    return undefined
  }
}
