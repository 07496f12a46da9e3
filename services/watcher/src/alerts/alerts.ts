import { randomUUIDv7 } from 'node:crypto'
import type { Diagnosis } from '@plimsoll/recorder'
import { follow, type Incident, type Patience } from '../incidents/incident.ts'
import type { Channel } from './channel.ts'
import { messageOf } from './message.ts'
import { Outbox, type Pending } from './outbox.ts'

export interface AlertsOptions {
  /** Where incidents are kept, and who has been told. */
  file: string
  channels: readonly Channel[]
  /** Where whoever reads the message finds the watcher's page. Empty: where the watcher listens. */
  page: string
  patience?: Partial<Patience>
  /** The time of day, in milliseconds since 1970. Default `Date.now`. */
  now?(): number
  /** For the jitter of the waits between tries. Default `Math.random`. */
  random?(): number
  /** Told of each try that failed. */
  onError?(error: unknown): void
}

const patienceByDefault: Patience = { openAfterMs: 15_000, closeAfterMs: 120_000 }
/** Waits between tries: from a second, doubling to five minutes; given up after so many, which is about a day. */
const firstWaitMs = 1_000
const longestWaitMs = 300_000
const mostTries = 300

/** Follows the diagnosis and tells each channel once of each thing that happens to an incident. */
export class Alerts {
  #options: AlertsOptions
  #patience: Patience
  #outbox: Outbox
  #now: () => number
  #random: () => number
  #sending = new Map<string, Promise<void>>()

  constructor(options: AlertsOptions) {
    this.#options = options
    this.#patience = { ...patienceByDefault, ...options.patience }
    this.#outbox = new Outbox(options.file)
    // What waits for a channel that is set no more would wait for ever.
    const { pending } = this.#outbox.kept
    const known = pending.filter(one => options.channels.some(({ name }) => name === one.channel))
    if (known.length < pending.length) this.#outbox.keep({ pending: known })
    this.#now = options.now ?? Date.now
    this.#random = options.random ?? Math.random
  }

  /** The incident that goes on, and those that are over, the latest first. */
  get incidents(): { open: Incident | undefined; past: readonly Incident[] } {
    const { following, past } = this.#outbox.kept
    return { open: following.open, past: past.toReversed() }
  }

  /** Messages that some channel has not taken yet. */
  get waiting(): number {
    return this.#outbox.kept.pending.length
  }

  /**
   * Takes one look into account. What there is to tell is kept before it is sent.
   * @param patience in place of what was set
   */
  observe(diagnosis: Diagnosis, patience: Patience = this.#patience): void {
    const { following, past, pending } = this.#outbox.kept
    const now = this.#now()
    const { state, news } = follow(following, diagnosis, { now, patience, newId: randomUUIDv7 })
    if (!news) {
      this.#outbox.remember(state)
      return
    }
    this.#outbox.keep({
      following: state,
      past: news.kind === 'closed' ? [...past, news.incident] : past,
      pending: [
        ...pending,
        ...this.#options.channels.map(
          ({ name }): Pending => ({
            id: randomUUIDv7(),
            channel: name,
            kind: news.kind,
            incident: news.incident,
            at: now,
            tries: 0,
            notBefore: now
          })
        )
      ]
    })
  }

  /** Sends what is due, the channels beside each other and the messages of each in their order. Never rejects. */
  async deliver(): Promise<void> {
    await Promise.all(
      this.#options.channels.map(channel => {
        const under = this.#sending.get(channel.name)
        if (under) return under
        const sending = this.#send(channel).finally(() => this.#sending.delete(channel.name))
        this.#sending.set(channel.name, sending)
        return sending
      })
    )
  }

  async #send(channel: Channel): Promise<void> {
    for (;;) {
      const next = this.#outbox.kept.pending.find(one => one.channel === channel.name)
      // A later message does not overtake one that waits: "over" before "opened" would say nothing.
      if (!next || next.notBefore > this.#now()) return
      try {
        await channel.send(messageOf(next, this.#options.page))
        this.#change(next)
      } catch (error) {
        this.#options.onError?.(error)
        const tries = next.tries + 1
        const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(next.tries, 20))
        const notBefore = this.#now() + wait * (0.5 + this.#random() / 2)
        this.#change(next, tries < mostTries ? { ...next, tries, notBefore } : undefined)
        return
      }
    }
  }

  #change(one: Pending, into?: Pending): void {
    const pending = this.#outbox.kept.pending.flatMap(other => (other.id === one.id ? (into ?? []) : other))
    this.#outbox.keep({ pending })
  }
}
