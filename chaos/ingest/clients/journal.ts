import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import type { Delivery } from '../plan.ts'

/**
 * What a client that may be killed has set out to deliver, and what it knows to be delivered: one JSON a line, forced to
 * disk before anything of it is sent. Half a line at the end was never sent, and is cut off.
 */
export class Journal {
  readonly #fd: number
  /** Every delivery, in the order in which they were made. */
  readonly planned: Delivery[] = []
  readonly finished = new Set<number>()

  constructor(file: string) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole))
    for (const line of whole.split('\n')) {
      if (line === '') continue
      const entry = JSON.parse(line) as { plan: Delivery } | { done: number }
      if ('plan' in entry) this.planned.push(entry.plan)
      else this.finished.add(entry.done)
    }
    this.#fd = openSync(file, 'a')
  }

  /** Returns the delivery's number. */
  plan(delivery: Delivery): number {
    writeSync(this.#fd, `${JSON.stringify({ plan: delivery })}\n`)
    fsyncSync(this.#fd)
    return this.planned.push(delivery) - 1
  }

  /** Not forced to disk: what is forgotten is only sent once more. */
  done(n: number): void {
    this.finished.add(n)
    writeSync(this.#fd, `${JSON.stringify({ done: n })}\n`)
  }

  close(): void {
    closeSync(this.#fd)
  }
}
