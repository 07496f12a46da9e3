import { type Details, NO_DETAILS } from './details.ts'
import { SharedText } from './shared-text.ts'

/** What the service says of itself. */
export interface State {
  started: boolean
  /** Wanted by the service; whether it is ready depends on more. */
  ready: boolean
  draining: boolean
}

/** How the main thread does. Delays in milliseconds over the last 10 to 20 s. */
export interface Figures {
  delayP50Ms: number
  delayP99Ms: number
  delayMaxMs: number
  /** Share of the last second that the event loop was not idle. */
  utilisation: number
  heapUsedBytes: number
  heapLimitBytes: number
}

const STARTED = 1
const READY = 2
const DRAINING = 4

/** Words of 32 bits. */
const word = { state: 0, p50Us: 1, p99Us: 2, maxUs: 3, utilisationPpm: 4, heapUsedKb: 5, heapLimitKb: 6, restarts: 7 }
const BEAT_OFFSET = 64
const TEXT_OFFSET = 128
/** Room for 64 checks with the longest texts they may have; see `details.ts`. */
const TEXT_SIZE = 160 * 1024

/**
 * The memory that the main thread and the thread that answers share. The main thread writes; every read is a few loads
 * that wait for nobody, so it makes no difference to a reader what the writer is doing, or whether it still does anything.
 */
export class Board {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #beat: BigInt64Array
  readonly #text: SharedText
  #parsedText = ''
  #parsed: Details = NO_DETAILS

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(TEXT_OFFSET + TEXT_SIZE)) {
    this.memory = memory
    this.#words = new Int32Array(memory, 0, 16)
    this.#beat = new BigInt64Array(memory, BEAT_OFFSET, 1)
    this.#text = new SharedText(memory, TEXT_OFFSET, TEXT_SIZE)
  }

  /** @param nowMs by `monotonicMs` */
  beat(nowMs: number): void {
    Atomics.store(this.#beat, 0, BigInt(Math.round(nowMs * 1000)))
  }

  /** When the main thread last gave a sign of life, by `monotonicMs`. */
  get lastBeatMs(): number {
    return Number(Atomics.load(this.#beat, 0)) / 1000
  }

  get state(): State {
    const bits = Atomics.load(this.#words, word.state)
    return { started: (bits & STARTED) !== 0, ready: (bits & READY) !== 0, draining: (bits & DRAINING) !== 0 }
  }

  set state({ started, ready, draining }: State) {
    Atomics.store(this.#words, word.state, (started ? STARTED : 0) | (ready ? READY : 0) | (draining ? DRAINING : 0))
  }

  get figures(): Figures {
    const at = (index: number) => Atomics.load(this.#words, index)
    return {
      delayP50Ms: at(word.p50Us) / 1000,
      delayP99Ms: at(word.p99Us) / 1000,
      delayMaxMs: at(word.maxUs) / 1000,
      utilisation: at(word.utilisationPpm) / 1e6,
      heapUsedBytes: at(word.heapUsedKb) * 1024,
      heapLimitBytes: at(word.heapLimitKb) * 1024
    }
  }

  set figures(figures: Figures) {
    const put = (index: number, value: number) =>
      Atomics.store(this.#words, index, Math.min(2 ** 31 - 1, Math.max(0, Math.round(value))))
    put(word.p50Us, figures.delayP50Ms * 1000)
    put(word.p99Us, figures.delayP99Ms * 1000)
    put(word.maxUs, figures.delayMaxMs * 1000)
    put(word.utilisationPpm, figures.utilisation * 1e6)
    put(word.heapUsedKb, figures.heapUsedBytes / 1024)
    put(word.heapLimitKb, figures.heapLimitBytes / 1024)
  }

  /** How often the answering thread was started again. */
  get restarts(): number {
    return Atomics.load(this.#words, word.restarts)
  }

  countRestart(): void {
    Atomics.add(this.#words, word.restarts, 1)
  }

  get details(): Details {
    const text = this.#text.read()
    if (text !== this.#parsedText) {
      this.#parsed = JSON.parse(text) as Details
      this.#parsedText = text
    }
    return this.#parsed
  }

  set details(details: Details) {
    this.#text.write(JSON.stringify(details))
  }
}
