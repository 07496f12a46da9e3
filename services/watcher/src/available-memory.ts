import { readFileSync } from 'node:fs'

/** What the machine can still give, in bytes; undefined where the kernel does not tell. */
export function availableMemory(): number | undefined {
  try {
    const [, kilobytes] = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? []
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024
  } catch {
    return undefined
  }
}
