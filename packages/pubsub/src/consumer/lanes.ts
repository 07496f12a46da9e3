import { FencedError } from '../errors.ts'
import { type Attempts, blame, HandlerFailure } from './attempt.ts'
import type { Fault } from './fault.ts'
import { type Due, failAgain, giveBack, readLanes, takeDue, unpark } from './parking.ts'
import type { Settings } from './settings.ts'
import { type ConsumerStore, type Lease, settlePartition } from './store.ts'

/** What is parked in one partition: in which lanes something waits, and when the next head is due. */
export class Lanes {
  #lease: Lease
  #store: ConsumerStore
  #settings: Settings
  #attempts: Attempts
  /** All lanes in which something waits, and some in which it did. */
  #blocked = new Set<string>()
  #dueAt = Number.POSITIVE_INFINITY
  #known = false
  /** A try that was counted and must not be: the store was away when it was to be given back. */
  #owed: number | undefined

  constructor(lease: Lease, store: ConsumerStore, settings: Settings, attempts: Attempts) {
    this.#lease = lease
    this.#store = store
    this.#settings = settings
    this.#attempts = attempts
  }

  get size(): number {
    return this.#blocked.size
  }

  get known(): boolean {
    return this.#known
  }

  get dueAt(): number {
    return this.#dueAt
  }

  has(lane: string): boolean {
    return this.#blocked.has(lane)
  }

  /** Somebody may have decided something: to be read anew. */
  forget(): void {
    this.#known = false
  }

  async read(): Promise<void> {
    const { lanes, dueInMs } = await readLanes(this.#store, this.#lease)
    this.#blocked = lanes
    this.#dueAt = dueInMs === null ? Number.POSITIVE_INFINITY : this.#settings.clock.now() + dueInMs
    this.#known = true
  }

  /** A message was parked in this lane, and is due after so many milliseconds, or never. */
  block(lane: string, retryInMs: number | null): void {
    this.#blocked.add(lane)
    if (retryInMs !== null) this.#dueAt = Math.min(this.#dueAt, this.#settings.clock.now() + retryInMs)
  }

  /**
   * Tries the head of a lane that is due. Resolves with how many it handled, or `undefined` when none was due.
   * @throws HandlerFailure for a fault of the world; the try does not count
   */
  async retryDue(): Promise<number | undefined> {
    if (this.#settings.clock.now() < this.#dueAt) return
    if (this.#owed !== undefined) await this.#giveBack(this.#owed)
    const due = await takeDue(this.#store, this.#lease)
    if (!due) {
      await this.read()
      return
    }
    if (due.attempts > this.#settings.maxAttempts) {
      await this.#fail(due, new Error('its consumer died while it was tried'), 'poison', due.attempts - 1)
      return 0
    }
    try {
      await this.#handle(due)
      return 1
    } catch (error) {
      if (error instanceof FencedError) throw error
      const fault = error instanceof HandlerFailure ? this.#attempts.judge(error) : 'world'
      if (fault === 'world') {
        this.#owed = due.number
        await this.#giveBack(due.number).catch(() => undefined)
        throw error
      }
      await this.#fail(due, (error as Error).cause, fault, due.attempts)
      return 0
    }
  }

  async #giveBack(number: number): Promise<void> {
    await giveBack(this.#store, number)
    this.#owed = undefined
  }

  async #handle(due: Due): Promise<void> {
    const { database, schema } = this.#store
    const more = await database
      .transaction(async tx => {
        await this.#attempts.make(tx, [due], due.attempts)
        const left = await unpark(tx, schema, this.#lease, due)
        await settlePartition(tx, schema, this.#lease, null, 1)
        return left
      })
      .catch(error => {
        throw blame(error)
      })
    if (!more) this.#blocked.delete(due.lane)
    // The next of the lane is due at once, or another lane's head is.
    this.#dueAt = Math.min(this.#dueAt, this.#settings.clock.now())
  }

  async #fail(due: Due, error: unknown, fault: Fault, attempts: number): Promise<void> {
    const { database, schema } = this.#store
    const failure = this.#attempts.failureOf(error, attempts, fault)
    await database.transaction(async tx => {
      await failAgain(tx, schema, due.number, failure)
      await settlePartition(tx, schema, this.#lease, null, 0)
    })
    this.#attempts.tell(due.envelope, error, failure, fault)
    this.forget()
  }
}
