/**
 * Calls over a connection, each given up when that is lost. In place of `Promise.race` with one promise of the loss, which
 * would keep every call and its answer for as long as the connection lives.
 */
export class Loss {
  #waiting = new Set<(error: Error) => void>()
  #error: Error | undefined

  get isLost(): boolean {
    return this.#error !== undefined
  }

  /** Calls that are neither answered nor given up. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** What the call says, or the loss, when that comes first or has come already. */
  orLost<T>(call: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    if (this.#error) reject(this.#error)
    else this.#waiting.add(reject)
    call.then(
      value => {
        this.#waiting.delete(reject)
        resolve(value)
      },
      error => {
        this.#waiting.delete(reject)
        reject(error)
      }
    )
    return promise
  }

  lose(error: Error): void {
    this.#error = error
    for (const reject of this.#waiting) reject(error)
    this.#waiting.clear()
  }

  mend(): void {
    this.#error = undefined
  }
}
