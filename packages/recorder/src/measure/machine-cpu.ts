import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

interface Times {
  busy: number
  all: number
}

/** The share of all cores that is busy, 0 … 1, since the last look. */
export class MachineCpu {
  #last = times()

  /** Undefined when no time has passed, or none is told. */
  read(): number | undefined {
    const now = times()
    const all = now.all - this.#last.all
    const busy = now.busy - this.#last.busy
    this.#last = now
    return all > 0 ? Math.min(1, Math.max(0, busy / all)) : undefined
  }
}

function times(): Times {
  try {
    const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0] = readFileSync(
      '/proc/stat',
      'utf8'
    )
      .slice(0, 200)
      .split('\n', 1)[0]!
      .split(/\s+/)
      .slice(1)
      .map(Number)
    const busy = user + nice + system + irq + soft + steal
    return { busy, all: busy + idle + wait }
  } catch {
    let busy = 0
    let all = 0
    for (const { times } of cpus()) {
      busy += times.user + times.nice + times.sys + times.irq
      all += times.user + times.nice + times.sys + times.irq + times.idle
    }
    return { busy, all }
  }
}
