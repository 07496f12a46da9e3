import { Worker } from 'node:worker_threads'
import type { Board } from '../board/board.ts'
import type { Clock } from '../clock.ts'
import { HealthListenError, HealthThreadError } from '../errors.ts'
import { nextWait } from './back-off.ts'
import type { Start, Tell } from './protocol.ts'
import type { ServerSettings } from './server.ts'

export interface ThreadOptions {
  board: Board
  host: string
  port: number
  settings: ServerSettings
  clock: Clock
  onError: (error: HealthThreadError) => void
}

/** Packing the package turns the name into that of what was made from it. */
const module = new URL('./worker.ts', import.meta.url)

/**
 * What the answering thread may use. It needs about 12 MB; a flood of requests that wants more ends the thread, which is
 * started again, and not the process.
 */
const resourceLimits = {
  maxOldGenerationSizeMb: 32,
  maxYoungGenerationSizeMb: 4,
  codeRangeSizeMb: 16,
  stackSizeMb: 1
}

/** Owns the answering thread: starts it, starts it again on the same port when it dies, and ends it. */
export class HealthThread {
  readonly #options: ThreadOptions
  #worker: Worker | undefined
  #port: number
  #wait: number | undefined
  #timer: unknown
  #closing = false

  private constructor(options: ThreadOptions) {
    this.#options = options
    this.#port = options.port
  }

  /** @throws HealthListenError when the address cannot be taken. */
  static async start(options: ThreadOptions): Promise<HealthThread> {
    const thread = new HealthThread(options)
    await thread.#begin()
    return thread
  }

  /** The one it listens on. */
  get port(): number {
    return this.#port
  }

  async close(): Promise<void> {
    this.#closing = true
    this.#options.clock.clearTimer(this.#timer)
    await this.#worker?.terminate()
  }

  #begin(): Promise<void> {
    const { board, host, settings, clock } = this.#options
    const start: Start = { memory: board.memory, host, port: this.#port, settings }
    // Neither flags nor environment: what is loaded into every thread of the patient must not be loaded into this one.
    const worker = new Worker(module, { workerData: start, resourceLimits, execArgv: [], env: {}, name: 'health' })
    this.#worker = worker
    const began = clock.now()
    let why: unknown
    let listening = false
    worker.on('error', error => {
      why = error
    })
    return new Promise((resolve, reject) => {
      worker.once('message', (tell: Tell) => {
        if ('failed' in tell) {
          why = Object.assign(new Error(tell.failed), { code: tell.code })
          void worker.terminate()
          return
        }
        listening = true
        this.#port = tell.listening
        // From here on it keeps nobody alive.
        worker.unref()
        resolve()
      })
      worker.once('exit', code => {
        const cause = why ?? new Error(`it exited with ${code}`)
        this.#worker = undefined
        if (!listening) {
          const message = cause instanceof Error ? cause.message : String(cause)
          reject(new HealthListenError(`the health server could not listen on ${host}: ${message}`, { cause }))
        }
        if (listening && !this.#closing) this.#again(clock.now() - began, cause)
      })
    })
  }

  #again(livedMs: number, cause: unknown): void {
    const { clock, board, onError } = this.#options
    this.#wait = nextWait(this.#wait, livedMs)
    this.#timer = clock.setTimer(() => {
      board.countRestart()
      this.#begin().catch((error: HealthListenError) => {
        if (!this.#closing) this.#again(0, error.cause)
      })
    }, this.#wait)
    onError(new HealthThreadError(this.#wait, cause))
  }
}
