import { setTimeout as nap } from 'node:timers/promises'
import { type Delivery, type EventDelivery, type PlannedEvent, resplit, type SessionDelivery } from '../plan.ts'
import { between, type Random } from '../random.ts'
import { surprise, type Tally } from '../tally.ts'
import type { Answer, Transport } from './transport.ts'

/** How long a client waits for an answer before it hangs up, in milliseconds. */
const timeoutMs = 1_500
/** Longest wait of its own before it sends again; what the platform asks for in Retry-After may be longer. */
const longestWaitMs = 2_000

export interface CourierOptions {
  url: string
  key: string
  transport: Transport
  random: Random
  tally: Tally
}

/**
 * Brings deliveries to the platform as its contract asks: the same ids again, until each event has a final result.
 * It is a nasty client besides: it sends in another order and in other parts, twice at the same time, and once more when
 * all is said.
 */
export class Courier {
  readonly #options: CourierOptions
  /** Ids with a final result. Bounded: the latest are what it sends once more. */
  /** What has its final results. `spooled`: so far only on a disk, as far as was said. */
  #done: { offsetMs: number; event: PlannedEvent; spooled: boolean }[] = []
  #gaveUp = false

  constructor(options: CourierOptions) {
    this.#options = options
  }

  /** Ends every delivery that goes on; they resolve with false. */
  giveUp(): void {
    this.#gaveUp = true
  }

  /** Resolves with true when everything in it has a final answer. */
  deliver(delivery: Delivery): Promise<boolean> {
    return delivery.kind === 'events' ? this.#events(delivery) : this.#session(delivery)
  }

  /** Sends some of what has its final results, in another mixture: each must be a duplicate. */
  async sendOnceMore(): Promise<void> {
    const { random, tally } = this.#options
    if (this.#done.length < 10) return
    const from = between(random, 0, this.#done.length - 5)
    const some = this.#done.slice(from, from + between(random, 1, 40))
    const { offsetMs } = some[0]!
    const events = some.filter(entry => entry.offsetMs === offsetMs).map(({ event }) => event)
    const entries = new Map(some.map(entry => [entry.event.id, entry]))
    for (const part of resplit(random, events)) {
      const results = await this.#send(part, offsetMs)
      for (const [id, result, why] of results ?? []) {
        if (why === 'spooled' || result === 'retry') continue
        // What is in a spool is not in the log yet: one of those may be first there, and the drain is then the duplicate.
        const entry = entries.get(id)!
        const first = entry.spooled
        entry.spooled = false
        if (result !== 'accepted' || first) continue
        tally.acceptedTwice++
        surprise(tally, `${id} had a final result, and was accepted when it was sent once more`)
      }
    }
  }

  async #events({ events, offsetMs }: EventDelivery): Promise<boolean> {
    const { random } = this.#options
    const left = new Map(events.map(event => [event.id, event]))
    const accepted = new Set<string>()
    const logged = new Set<string>()
    for (let attempt = 0; left.size > 0; attempt++) {
      const waiting = [...left.values()]
      // Twice at the same time, as an impatient proxy does.
      const parts =
        attempt === 0 && random() < 0.06 ? [waiting, waiting] : attempt === 0 ? [waiting] : resplit(random, waiting)
      const waits = await Promise.all(parts.map(part => this.#part(part, offsetMs, left, { accepted, logged })))
      if (left.size === 0) break
      await this.#wait(attempt, Math.max(...waits))
      if (this.#gaveUp) return false
    }
    this.#done.push(...events.map(event => ({ offsetMs, event, spooled: !logged.has(event.id) })))
    if (this.#done.length > 600) this.#done.splice(0, this.#done.length - 400)
    return true
  }

  /** Takes what has a final result out of `left`. Resolves with how long it was asked to wait. */
  async #part(
    part: PlannedEvent[],
    offsetMs: number,
    left: Map<string, PlannedEvent>,
    { accepted, logged }: { accepted: Set<string>; logged: Set<string> }
  ): Promise<number> {
    const { tally } = this.#options
    let waitMs = 0
    const results = await this.#send(part, offsetMs, ms => {
      waitMs = ms
    })
    for (const [id, result, why] of results ?? []) {
      if (result === 'retry') continue
      left.delete(id)
      if (why !== 'spooled') logged.add(id)
      if (result === 'rejected') {
        tally.rejected++
        surprise(tally, `${id} was rejected: ${why}`)
      } else if (result === 'accepted') {
        // With the store away nobody can know what is a duplicate: the drain finds it, and the books say so.
        if (why !== 'spooled') {
          if (accepted.has(id)) {
            tally.acceptedTwice++
            surprise(tally, `${id} was accepted twice`)
          }
          accepted.add(id)
        }
        tally.accepted++
      } else tally.duplicates++
    }
    return waitMs
  }

  /** One request. Resolves with a result for each event, or with nothing when it must be sent again. */
  async #send(
    events: readonly PlannedEvent[],
    offsetMs: number,
    asked?: (waitMs: number) => void
  ): Promise<[id: string, result: string, why: string][] | undefined> {
    const { random, tally } = this.#options
    const lines = random() < 0.2
    const answer = await this.#post(
      '/v1/events',
      {
        'content-type': lines ? 'application/x-ndjson' : 'application/json',
        'x-sent-at': new Date(Date.now() + offsetMs).toISOString()
      },
      lines
        ? events.map(event => `${JSON.stringify(event)}\n`).join('')
        : JSON.stringify(events.length === 1 ? events[0] : events)
    )
    if (!answer) return undefined
    if (answer.status !== 200) {
      asked?.(answer.retryAfterMs ?? 0)
      return this.#refusal(answer) ? events.map(({ id }) => [id, 'rejected', answer.text]) : undefined
    }
    const { results } = JSON.parse(answer.text) as { results: { id: string; result: string; code?: string }[] }
    if (results.length !== events.length || results.some(({ id }, i) => id !== events[i]!.id)) {
      tally.wrongAnswers++
      surprise(tally, `sent ${events.length} events, and the results are of others: ${answer.text}`)
      return undefined
    }
    return results.map(({ id, result, code }) => [id, result, code ?? ''])
  }

  async #session({ key, body }: SessionDelivery): Promise<boolean> {
    const { random, tally } = this.#options
    const headers = { 'content-type': 'application/json', 'idempotency-key': key }
    let first: string | undefined
    // Once more after the answer, now and then: it must be the same to the letter.
    for (let attempt = 0, more = random() < 0.15 ? 2 : 1; more > 0; attempt++) {
      const answer = await this.#post('/v1/sessions', headers, JSON.stringify(body))
      if (answer?.status === 201) {
        if (first === undefined) tally.accepted++
        else {
          tally.duplicates++
          if (first !== answer.text) {
            tally.wrongAnswers++
            surprise(tally, `session ${body.id}: ${first} and later ${answer.text}`)
          }
        }
        first ??= answer.text
        more--
      } else if (answer && this.#refusal(answer)) {
        tally.rejected++
        surprise(tally, `session ${body.id} was refused: ${answer.status} ${answer.text}`)
        return true
      } else {
        await this.#wait(attempt, answer?.retryAfterMs ?? 0)
        if (this.#gaveUp) return first !== undefined
      }
    }
    return true
  }

  async #post(path: string, headers: Record<string, string>, body: string): Promise<Answer | undefined> {
    const { url, key, transport, tally } = this.#options
    const startedAt = performance.now()
    tally.requests++
    try {
      const answer = await transport({
        url: url + path,
        headers: { authorization: `Bearer ${key}`, ...headers },
        body,
        timeoutMs
      })
      tally.statuses[answer.status] = (tally.statuses[answer.status] ?? 0) + 1
      if (answer.status < 300) tally.acks.push([Date.now(), performance.now() - startedAt])
      return answer
    } catch {
      tally.unanswered++
      return undefined
    }
  }

  /** Whether sending the same again is of no use. */
  #refusal({ status, text }: Answer): boolean {
    if (status === 408 || status === 429 || status === 503) return false
    surprise(this.#options.tally, `${status} ${text}`)
    return status < 500
  }

  /** Full jitter under a doubling bound ("Exponential Backoff And Jitter", AWS 2015), never less than it was asked for. */
  async #wait(attempt: number, askedMs: number): Promise<void> {
    const own = this.#options.random() * Math.min(longestWaitMs, 50 * 2 ** attempt)
    const until = performance.now() + Math.max(askedMs, own)
    while (!this.#gaveUp && performance.now() < until) await nap(Math.min(200, Math.max(5, until - performance.now())))
  }
}
