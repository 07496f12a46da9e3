import { Problem } from '@plimsoll/http'

export interface AnswersOptions {
  now(): number
  /** An answer younger than this is given as it is, in milliseconds. Default 500. */
  freshMs?: number
  /** One younger than this is given at once while the next is made. Default 1,000. */
  staleMs?: number
  /** How long to wait for a new answer before the last good one is given, in milliseconds. Default 2,000. */
  patienceMs?: number
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
      capacity: 1_000,
      capacityChars: 16e6,
      ...options
    }
  }

  /** `renew`: the answer must be made after this call, for those who must see what they know was written. */
  async give(question: string, make: () => Promise<A>, { renew = false } = {}): Promise<Given<A>> {
    const kept = this.#kept.get(question)
    if (!kept) {
      const answer = await this.#makeFirst(question, make)
      return { answer, madeAt: this.#kept.get(question)?.madeAt ?? this.#options.now(), stale: false }
    }
    this.#kept.delete(question)
    this.#kept.set(question, kept)
    // One that is being made may have begun before what the caller wants to see was written.
    if (renew) await kept.making?.catch(() => undefined)
    const age = renew ? Number.POSITIVE_INFINITY : this.#options.now() - kept.madeAt
    if (age < this.#options.freshMs) return { answer: kept.answer, madeAt: kept.madeAt, stale: false }
    const making = this.#remake(question, kept, make)
    if (age < this.#options.staleMs) {
      making.catch(() => undefined)
      return { answer: kept.answer, madeAt: kept.madeAt, stale: false }
    }
    try {
      const answer = await this.#patiently(making)
      return { answer, madeAt: kept.madeAt, stale: false }
    } catch {
      return { answer: kept.answer, madeAt: kept.madeAt, stale: true }
    }
  }

  async #makeFirst(question: string, make: () => Promise<A>): Promise<A> {
    let first = this.#first.get(question)
    // While the store is mute, questions that were never answered must not pile up.
    if (!first && this.#first.size >= this.#options.capacity) throw unavailable()
    if (!first) {
      first = make()
        .then(answer => {
          this.#keep(question, answer)
          return answer
        })
        .finally(() => this.#first.delete(question))
      this.#first.set(question, first)
    }
    try {
      return await this.#patiently(first)
    } catch (error) {
      throw error instanceof Problem ? error : unavailable()
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

  #patiently(making: Promise<A>): Promise<A> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the read store is slow')), this.#options.patienceMs)
      making.then(resolve, reject).finally(() => clearTimeout(timer))
    })
  }
}

const charsOf = (question: string, answer: unknown) => question.length + (JSON.stringify(answer)?.length ?? 0)

function unavailable(): Problem {
  const detail = 'The read store cannot be asked, and there is no earlier answer to this question.'
  return new Problem(503, 'read_store_unavailable', detail, { headers: { 'retry-after': '2' } })
}
