import { readdirSync, readFileSync } from 'node:fs'

/** What can be read of another process under `/proc`, without asking it. Of none, or elsewhere, nothing. */
export class OutsideFigures {
  #pid: number | undefined
  #ticks = 0
  #at = 0

  read(pid: number | undefined): Record<string, number> {
    if (pid === undefined) return {}
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name of the program is in brackets and may hold anything; the fields after it are numbered from 3.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const state = fields[0]!
      const ticks = Number(fields[11]) + Number(fields[12])
      const resident = residentBytes(pid)
      const values: Record<string, number> = {
        ...(resident !== undefined && { 'platform.rss': resident }),
        'platform.stopped': state === 'T' || state === 't' ? 1 : 0
      }
      const now = performance.now()
      if (this.#pid === pid && now > this.#at)
        values['platform.cpu'] = ((ticks - this.#ticks) / ticksPerSecond) * (1_000 / (now - this.#at))
      this.#pid = pid
      this.#ticks = ticks
      this.#at = now
      values['platform.files'] = readdirSync(`/proc/${pid}/fd`).length
      const limit = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]
      if (limit !== undefined) values['platform.files.limit'] = Number(limit)
      return values
    } catch {
      return {}
    }
  }
}

/** Linux has counted a hundred a second for programs, on every machine, since 2.6. */
const ticksPerSecond = 100

/** Undefined of a process that is dead already and not yet gone. */
function residentBytes(pid: number): number | undefined {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024
}
