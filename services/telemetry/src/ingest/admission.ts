import type { LoadPermit } from '@plimsoll/resilience'

/**
 * A request that was let in. Its place in the queue is its own until it is answered and what it wanted written is written
 * or given up: a client that has left, or was told that the store is slow, has work pending all the same.
 */
export class Admission {
  readonly #permit: LoadPermit
  #answered = false
  #writing = 0

  constructor(permit: LoadPermit) {
    this.#permit = permit
  }

  /** So much work it is, now that it is known. */
  weigh(weight: number): void {
    this.#permit.weigh(weight)
  }

  /** Keeps its place until `work` has ended, however it ends. */
  during<T>(work: Promise<T>): Promise<T> {
    this.#writing++
    const end = () => {
      this.#writing--
      this.#release()
    }
    work.then(end, end)
    return work
  }

  answered(): void {
    this.#answered = true
    this.#release()
  }

  #release(): void {
    if (this.#answered && this.#writing === 0) this.#permit.release()
  }
}
