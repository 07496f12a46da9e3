import { readFile } from 'node:fs/promises'

/** What a process holds in memory, in MB of 1,048,576 bytes; on Linux, whose `/proc` tells it. */
export async function residentMegabytes(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
