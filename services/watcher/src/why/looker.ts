import { Worker } from 'node:worker_threads'
import type { Look } from './look.ts'

export interface LookerOptions {
  /** The folder of the black box. */
  directory: string
  /** A look that is younger than this is given again, in milliseconds. Default 2,000. */
  freshMs?: number
  /** How long whoever asks waits for a new look before the last one is given, in milliseconds. Default 1,500. */
  patienceMs?: number
  /** The time of day, in milliseconds since 1970. Default `Date.now`. */
  now?(): number
  /** Told of a thread that ended by itself. */
  onError?(error: unknown): void
  /** Only for tests: another thread. */
  worker?: URL
}

/** A thread that ended by itself is not started again sooner than this, in milliseconds. */
const restMs = 10_000
/** A look that takes longer than this will not come, in milliseconds. */
const longestMs = 20_000

/**
 * Looks at the black box in a thread of its own, one look at a time and not too often, so that neither a question nor many
 * of them can delay what else the watcher answers.
 */
export class Looker {
  #options: Required<LookerOptions>
  #worker: Worker | undefined
  #latest: Look | undefined
  /** The last look that was drawn. */
  #drawn: Look | undefined
  #looking: { page: boolean; done: Promise<unknown> } | undefined
  #notBefore = 0
  #closed = false

  constructor(options: LookerOptions) {
    this.#options = {
      freshMs: 2_000,
      patienceMs: 1_500,
      now: Date.now,
      onError: () => undefined,
      worker: new URL('./look-worker.ts', import.meta.url),
      ...options
    }
  }

  /**
   * A look that is fresh, or the last one when none comes in time. Never rejects.
   * @param page whether it is to be shown: drawing costs more than looking
   */
  async look({ page = false } = {}): Promise<Look | undefined> {
    const { patienceMs } = this.#options
    const last = () => (page ? this.#drawn : this.#latest)
    if (this.#isFresh(last())) return last()
    const patience = Promise.withResolvers<void>()
    const timer = setTimeout(patience.resolve, patienceMs)
    await Promise.race([this.#renew(page), patience.promise])
    clearTimeout(timer)
    return last()
  }

  #isFresh(look: Look | undefined): boolean {
    const age = look ? this.#options.now() - look.at : Number.POSITIVE_INFINITY
    // A clock that was put back must not freeze the page.
    return age >= 0 && age < this.#options.freshMs
  }

  #renew(page: boolean): Promise<unknown> {
    const under = this.#looking
    if (under && (under.page || !page)) return under.done
    const done = (under?.done ?? Promise.resolve()).then(() => this.#ask(page))
    const looking = { page, done }
    this.#looking = looking
    void done.then(() => {
      if (this.#looking === looking) this.#looking = undefined
    })
    return done
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
  }

  #ask(page: boolean): Promise<void> {
    const { now } = this.#options
    if (this.#closed || (!this.#worker && performance.now() < this.#notBefore)) return Promise.resolve()
    this.#worker ??= this.#start()
    const worker = this.#worker
    return new Promise(resolve => {
      const done = (look?: Look) => {
        clearTimeout(stuck)
        worker.off('message', done)
        worker.off('exit', ended)
        if (look) this.#latest = look
        if (look?.page) this.#drawn = look
        resolve()
      }
      const ended = () => done()
      const stuck = setTimeout(() => void worker.terminate(), longestMs)
      worker.once('message', done)
      worker.once('exit', ended)
      worker.postMessage({ at: now(), page })
    })
  }

  #start(): Worker {
    const { directory, onError, worker: module } = this.#options
    // A look needs a few megabytes. Should one ever need many, its thread ends, and not the watcher.
    const worker = new Worker(module, {
      workerData: { directory },
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 }
    })
    worker.unref()
    worker.on('error', onError)
    worker.once('exit', () => {
      this.#worker = undefined
      this.#notBefore = performance.now() + restMs
    })
    return worker
  }
}
