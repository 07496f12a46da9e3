import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Pattern } from './patterns.ts'
import type { Task } from './stack-worker.ts'
import type { StackName } from './stacks.ts'

/** opossum's window is by then filled to a tenth, and by the end to a third: it costs less than when it is full. */
const WARM_MS = 400

/** A process of its own for one stack, or many of one kind: what the optimiser learns of one is not held against another. */
export class StackProcess {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(name: StackName, { count = 1, watchTimers = false } = {}): Promise<StackProcess> {
    const args = [name, String(count), ...(watchTimers ? ['watch-timers'] : [])]
    const child = fork(new URL('./stack-worker.ts', import.meta.url).pathname, args, { execArgv: [] })
    await once(child, 'message')
    return new StackProcess(child)
  }

  /** Nanoseconds a call, once it is warm. */
  async time(ms: number, pattern: Pattern = 'one'): Promise<number> {
    await this.#ask({ measure: 'time', ms: WARM_MS, pattern })
    return (await this.#ask({ measure: 'time', ms, pattern })) as number
  }

  async bytes(calls: number): Promise<number> {
    return (await this.#ask({ measure: 'bytes', calls })) as number
  }

  async timers(): Promise<{ called: number; idle: number }> {
    return (await this.#ask({ measure: 'timers' })) as { called: number; idle: number }
  }

  async stop(): Promise<void> {
    this.#child.kill()
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }

  async #ask(task: Task): Promise<unknown> {
    const died = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`a measuring process ended with code ${code}`)
    })
    this.#child.send(task)
    const [answer] = (await Promise.race([once(this.#child, 'message'), died])) as [unknown]
    return answer
  }
}
