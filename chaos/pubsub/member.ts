import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process that is killed, frozen, ended in order and started again. */
export class Member {
  readonly name: string
  #program: string
  #order: unknown
  #child: ChildProcess | undefined
  #exited: Promise<unknown> = Promise.resolve()
  #said = ''
  /** What it said when it ended though nobody had told it to. */
  readonly collapses: string[] = []

  constructor(name: string, program: 'producer-process.ts' | 'consumer-process.ts', order: unknown) {
    this.name = name
    this.#program = fileURLToPath(new URL(program, import.meta.url))
    this.#order = order
  }

  /** One strike behind the other: one that took long must not start what the next has killed. */
  readonly alone = oneBehindTheOther()

  start(): void {
    const child = fork(this.#program, [JSON.stringify(this.#order)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
    child.stderr!.on('data', chunk => {
      this.#said = (this.#said + chunk).slice(-2_000)
    })
    child.on('error', () => undefined)
    this.#exited = once(child, 'exit')
    child.once('exit', (code, signal) => {
      if (code !== 0 && signal !== 'SIGKILL') this.collapses.push(`${this.name}: ${signal ?? code}: ${this.#said}`)
    })
    this.#child = child
  }

  /** Resolves when it says something for the first time. */
  async ready(): Promise<void> {
    const ended = this.#exited.then(() => {
      throw new Error(`${this.name} ended by itself: ${this.#said}`)
    })
    await Promise.race([once(this.#child!, 'message'), ended])
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL')
    await this.#exited
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Ends what is under way and exits; is killed when it has not within `patienceMs`. Resolves with whether it did. */
  async end(patienceMs: number): Promise<boolean> {
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return true
    if (child.connected) child.send('finish', () => undefined)
    let inTime = true
    const timer = setTimeout(() => {
      inTime = false
      child.kill('SIGKILL')
    }, patienceMs)
    await this.#exited
    clearTimeout(timer)
    return inTime
  }
}

/** Runs works in the order in which they came, each when the one before has ended. */
export function oneBehindTheOther(): (work: () => Promise<void>) => Promise<void> {
  let turn: Promise<unknown> = Promise.resolve()
  return work => {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }
}
