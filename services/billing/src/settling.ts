import type { Database } from '@plimsoll/database'
import type { Clock } from '@plimsoll/resilience'
import { type Settled, settleInvoices } from './invoices.ts'

const againMs = 1_000

interface SettlingOptions {
  log: Database
  store: Database
  clock: Clock
  onError: ((error: unknown) => void) | undefined
}

/** Sees to it that what was decided comes into the ledger: now, and once a second until it is there. */
export class Settling {
  readonly #options: SettlingOptions
  #running: Promise<Settled> | undefined
  #timer: unknown
  #stopped = false

  constructor(options: SettlingOptions) {
    this.#options = options
  }

  /** Who asks meanwhile gets the round under way. */
  now(): Promise<Settled> {
    const { log, store } = this.#options
    this.#running ??= settleInvoices(log, store)
      .then(settled => {
        if (settled.waiting > 0) this.soon()
        return settled
      })
      .finally(() => {
        this.#running = undefined
      })
    return this.#running
  }

  soon(): void {
    const { clock, onError } = this.#options
    if (this.#stopped || this.#timer !== undefined) return
    this.#timer = clock.setTimer(() => {
      this.#timer = undefined
      this.now().catch(error => {
        onError?.(error)
        this.soon()
      })
    }, againMs)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    await this.#running?.catch(() => undefined)
  }
}
