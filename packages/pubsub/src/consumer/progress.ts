import type { Delivery, Source } from '../broker.ts'

/** Some messages of a partition that were handled one after the other. */
export interface Step {
  readonly unit: readonly Delivery[]
  /** How many of them, for some may have been handled before. */
  readonly handled: number
  /** What is to be remembered of them. */
  readonly ids: readonly string[]
  /** Where they are acknowledged, while it is open. */
  readonly source: Source | undefined
}

/**
 * What was handled in one partition and changed nothing in the consumer's transaction: its position follows behind, and its ids
 * with it, one commit under way at a time, while the next messages are handled. What was not settled when the process dies comes again.
 */
export class Progress {
  #settle: (steps: readonly Step[]) => Promise<void>
  #settled: (steps: readonly Step[]) => void
  #faulted: () => void
  #waiting: Step[] = []
  #settling: readonly Step[] = []
  #underWay: Promise<void> | undefined
  #fault: { error: unknown } | undefined
  #ahead = 0

  constructor(parts: {
    settle(steps: readonly Step[]): Promise<void>
    onSettled(steps: readonly Step[]): void
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

  /** What the store does not know yet, or may not know. */
  *idsAhead(): Iterable<string> {
    for (const { ids } of this.#settling) yield* ids
    for (const { ids } of this.#waiting) yield* ids
  }

  /** The last try failed: nothing is under way, and nothing is begun until `flush`. */
  get faulted(): boolean {
    return this.#fault !== undefined
  }

  add(step: Step): void {
    this.#ahead += step.unit.length
    this.#waiting.push(step)
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
    if (this.#underWay || this.#fault || this.#waiting.length === 0) return
    const steps = this.#waiting
    this.#waiting = []
    this.#settling = steps
    this.#underWay = this.#settle(steps)
      .then(
        () => {
          for (const { unit } of steps) this.#ahead -= unit.length
          this.#settled(steps)
        },
        error => {
          this.#waiting = [...steps, ...this.#waiting]
          this.#fault = { error }
          this.#faulted()
        }
      )
      .then(() => {
        this.#settling = []
        this.#underWay = undefined
        this.#pump()
      })
  }
}
