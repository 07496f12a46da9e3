import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Whether the kernel has just ended a process for want of memory: one of our own control group where that has a count
 * (version 2), else one of the machine. A kill of an hour ago was somebody else's, so there is to be a look each second, and
 * what counts is what came after the last look but one: a process can be dead for a moment before its end is heard of.
 */
export class MemoryKills {
  readonly #file: string | undefined
  #looks: number[] = []

  /** @param root where `proc` and `sys` are; for tests */
  constructor(root = '/') {
    this.#file = [join(root, 'sys/fs/cgroup', ownGroup(root), 'memory.events'), join(root, 'proc/vmstat')].find(
      file => killsIn(file) !== undefined
    )
    this.look()
  }

  look(): void {
    const kills = killsIn(this.#file)
    if (kills !== undefined) this.#looks = [...this.#looks.slice(-1), kills]
  }

  /** Asked when a process has ended; its kill is not counted again for the next. Undefined where the system does not tell. */
  hasKilled(): boolean | undefined {
    const kills = killsIn(this.#file)
    const before = this.#looks[0]
    if (kills === undefined || before === undefined) return undefined
    this.#looks = [kills]
    return kills > before
  }
}

function killsIn(file: string | undefined): number | undefined {
  if (file === undefined) return undefined
  try {
    const [, kills] = /^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8')) ?? []
    return kills === undefined ? undefined : Number(kills)
  } catch {
    return undefined
  }
}

function ownGroup(root: string): string {
  try {
    return /^0::(.+)$/m.exec(readFileSync(join(root, 'proc/self/cgroup'), 'utf8'))?.[1] ?? ''
  } catch {
    return ''
  }
}
