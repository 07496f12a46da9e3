import { Problem } from '@plimsoll/http'
import { type Clock, systemClock } from '@plimsoll/resilience'

export interface AnswersOptions {
  /** The time of day, which says how old an answer is. */
  now(): number
  /** By which is waited. Default `systemClock`. */
  clock?: Clock
  /** An answer younger than this is given as it is, in milliseconds. Default 500. */
  freshMs?: number
  /** One younger than this is given at once while the next is made. Default 1,000. */
  staleMs?: number
  /** How long to wait for a new answer before the last good one is given, in milliseconds. Default 2,000. */
  patienceMs?: number
  /** The same where there is no last good answer: until an error is given. Default 5,000. */
  firstPatienceMs?: number
  /** Answers kept. Default 1,000; the least lately asked for go first. */
  capacity?: number
  /** Characters kept at most, of the questions and of the answers as JSON. Default 16 million; the newest answer stays. */
  capacityChars?: number
}

interface Kept<A> {
  answer: A
  madeAt: number
  making: Promise<A> | undefined
  /** Characters of the question and of the answer. */
  chars: number
}

export interface Given<A> {
  answer: A
  /** When it was made, in milliseconds since 1970. */
  madeAt: number
  /** True when the store could not be asked and this is the last good answer. */
  stale: boolean
}

/** What a caller says of its question. */
export interface Asked<A = unknown> {
  /** With `renew`: an answer that is kept and passes this need not be made again. Default: none passes. */
  holds?(answer: A): boolean
  /** The answer must be made after the call, for those who must see what they know was written. Default false. */
  renew?: boolean
  /** The instant of the clock after which the caller waits no longer. Default Infinity: as long as `patienceMs`. */
  deadline?: number
}

interface Due {
  at: number
  /** Whether the caller's deadline is what ends the wait, and not our own patience. */
  isTheCallers: boolean
}

class TooSlow extends Error {}

/**
 * Keeps the last good answer to each question. Repeats within half a second share it, one maker works for all who ask,
 * and when the store is down or slow the last one is given with its age: never an error while there is an answer, and
 * never a zero in its place (promise P6).
 */
export class Answers<A> {
  #options: Required<AnswersOptions>
  #kept = new Map<string, Kept<A>>()
  #chars = 0
  #first = new Map<string, Promise<A>>()

  constructor(options: AnswersOptions) {
    this.#options = {
      freshMs: 500,
      staleMs: 1_000,
      patienceMs: 2_000,
      firstPatienceMs: 5_000,
      capacity: 1_000,
      capacityChars: 16e6,
      clock: systemClock,
      ...options
    }
  }

  /** The last good answer to a question, or a new one, for a caller who waits until `deadline`. */
  async give(question: string, make: () => Promise<A>, asked: Asked<A> = {}): Promise<Given<A>> {
    const { patienceMs, firstPatienceMs } = this.#options
    // One that is being made may have begun before what the caller wants to see was written. What follows it has not.
    const before = asked.renew ? this.#first.get(question) : undefined
    if (before)
      await this.#inTime(
        before.catch(() => undefined),
        this.#due(asked, firstPatienceMs)
      )
    const kept = this.#kept.get(question)
    if (!kept) {
      const answer = await this.#makeFirst(question, make, this.#due(asked, firstPatienceMs))
      return { answer, madeAt: this.#kept.get(question)?.madeAt ?? this.#options.now(), stale: false }
    }
    const due = this.#due(asked, patienceMs)
    this.#kept.delete(question)
    this.#kept.set(question, kept)
    try {
      const renew = asked.renew && !asked.holds?.(kept.answer)
      if (renew && kept.making && !before)
        await this.#patiently(
          kept.making.catch(() => undefined),
          due
        )
      const age = renew ? Number.POSITIVE_INFINITY : this.#options.now() - kept.madeAt
      // Nothing is begun for someone who has left.
      const left = due.at <= this.#options.clock.now()
      const making = left || age < this.#options.freshMs ? undefined : this.#remake(question, kept, make)
      // For whoever waits for it. Alone, nobody would hear how it failed.
      making?.catch(() => undefined)
      if (age >= this.#options.staleMs) {
        if (making === undefined) throw new TooSlow()
        await this.#patiently(making, due)
      }
      return { answer: kept.answer, madeAt: kept.madeAt, stale: false }
    } catch {
      return { answer: kept.answer, madeAt: kept.madeAt, stale: true }
    }
  }

  #due({ deadline = Number.POSITIVE_INFINITY }: Asked<A>, patienceMs: number): Due {
    const own = this.#options.clock.now() + patienceMs
    return { at: Math.min(own, deadline), isTheCallers: deadline < own }
  }

  async #makeFirst(question: string, make: () => Promise<A>, due: Due): Promise<A> {
    let first = this.#first.get(question)
    if (!first) {
      if (due.at <= this.#options.clock.now()) throw slow()
      // While the store is mute, questions that were never answered must not pile up.
      if (this.#first.size >= this.#options.capacity) throw unavailable()
      first = make()
        .then(answer => {
          this.#keep(question, answer)
          return answer
        })
        .finally(() => this.#first.delete(question))
      this.#first.set(question, first)
    }
    return this.#inTime(first, due)
  }

  /** Waits where there is nothing else to give. @throws Problem */
  async #inTime<T>(making: Promise<T>, due: Due): Promise<T> {
    try {
      return await this.#patiently(making, due)
    } catch (error) {
      if (error instanceof Problem) throw error
      throw error instanceof TooSlow && due.isTheCallers ? slow() : unavailable()
    }
  }

  #remake(question: string, kept: Kept<A>, make: () => Promise<A>): Promise<A> {
    kept.making ??= make()
      .then(answer => {
        kept.answer = answer
        kept.madeAt = this.#options.now()
        const chars = charsOf(question, answer)
        // It may have been let go meanwhile.
        if (this.#kept.get(question) === kept) this.#chars += chars - kept.chars
        kept.chars = chars
        this.#trim()
        return answer
      })
      .finally(() => {
        kept.making = undefined
      })
    return kept.making
  }

  #keep(question: string, answer: A): void {
    const chars = charsOf(question, answer)
    this.#kept.set(question, { answer, madeAt: this.#options.now(), making: undefined, chars })
    this.#chars += chars
    this.#trim()
  }

  /** A day of a quiet project has a thousandth of three years of a busy one: their number alone bounds nothing. */
  #trim(): void {
    const { capacity, capacityChars } = this.#options
    for (const [question, { chars }] of this.#kept) {
      const fits = this.#kept.size <= capacity && this.#chars <= capacityChars
      if (fits || this.#kept.size === 1) return
      this.#kept.delete(question)
      this.#chars -= chars
    }
  }

  /** @throws TooSlow when it is not there by then */
  #patiently<T>(making: Promise<T>, { at }: Due): Promise<T> {
    const { clock } = this.#options
    return new Promise((resolve, reject) => {
      const leftMs = at - clock.now()
      if (leftMs <= 0) return reject(new TooSlow())
      const timer = clock.setTimer(() => reject(new TooSlow()), leftMs)
      making.then(resolve, reject).finally(() => clock.clearTimer(timer))
    })
  }
}

const charsOf = (question: string, answer: unknown) => question.length + (JSON.stringify(answer)?.length ?? 0)

function unavailable(): Problem {
  const detail = 'The read store cannot be asked, and there is no earlier answer to this question.'
  return new Problem(503, 'read_store_unavailable', detail, { headers: { 'retry-after': '2' } })
}

/** The caller could not wait as long as we would have: nothing is known to be wrong with the store. */
function slow(): Problem {
  const detail = 'The read store did not answer in the time there was, and there is no earlier answer to this question.'
  return new Problem(503, 'read_store_slow', detail, { headers: { 'retry-after': '2' } })
}
