import type { Position } from '../broker.ts'

interface Step {
  position: Position
  handled: number
}

/**
 * What was handled in one partition and changed nothing in the consumer's transaction: its position follows behind, one
 * commit under way at a time, while the next messages are handled. What was not settled when the process dies comes again.
 */
export class Progress {
  #settle: (position: Position, handled: number) => Promise<void>
  #settled: (handled: number) => void
  #faulted: () => void
  #waiting: Step | undefined
  #underWay: Promise<void> | undefined
  #fault: { error: unknown } | undefined
  #ahead = 0

  constructor(parts: {
    settle(position: Position, handled: number): Promise<void>
    onSettled(handled: number): void
    onFault(): void
  }) {
    this.#settle = parts.settle
    this.#settled = parts.onSettled
    this.#faulted = parts.onFault
  }

  /** Messages that were handled and whose position is not committed. */
  get ahead(): number {
    return this.#ahead
  }

  /** The last try failed: nothing is under way, and nothing is begun until `flush`. */
  get faulted(): boolean {
    return this.#fault !== undefined
  }

  add(position: Position, handled: number): void {
    this.#ahead += handled
    this.#waiting = { position, handled: handled + (this.#waiting?.handled ?? 0) }
    this.#pump()
  }

  /** Resolves when no more than `most` messages are ahead. Rejects with the fault that hinders it. */
  async room(most: number): Promise<void> {
    while (this.#ahead > most) {
      await this.#underWay
      if (this.#fault) throw this.#fault.error
    }
  }

  /** Resolves when all is settled; what failed before is tried again. */
  async flush(): Promise<void> {
    this.#fault = undefined
    this.#pump()
    await this.room(0)
  }

  #pump(): void {
    if (this.#underWay || this.#fault || !this.#waiting) return
    const step = this.#waiting
    this.#waiting = undefined
    this.#underWay = this.#settle(step.position, step.handled)
      .then(
        () => {
          this.#ahead -= step.handled
          this.#settled(step.handled)
        },
        error => {
          const { position = step.position, handled = 0 } = this.#waiting ?? {}
          this.#waiting = { position, handled: handled + step.handled }
          this.#fault = { error }
          this.#faulted()
        }
      )
      .then(() => {
        this.#underWay = undefined
        this.#pump()
      })
  }
}
