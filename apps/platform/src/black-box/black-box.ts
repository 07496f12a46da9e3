import { ProcessFigures, type Recorder } from '@plimsoll/recorder'
import { ErrorTally } from './error-tally.ts'

/** Figures of one part of the platform since they were last read: what a sample is put together from. */
export type Figures = () => Record<string, number>

export interface BlackBoxOptions {
  recorder: Recorder
  /** The data folder: whose disk is measured. */
  directory: string
}

const sampleMs = 1_000

/** What the platform tells its recorder: a sample a second of all parts that are there, and what happens between. */
export class BlackBox {
  readonly #recorder: Recorder
  readonly #process: ProcessFigures
  readonly #errors = new ErrorTally()
  readonly #parts: Figures[] = []
  #timer: NodeJS.Timeout | undefined
  /** Processor time of this thread for the last sample, in milliseconds. */
  #cost: number | undefined

  constructor({ recorder, directory }: BlackBoxOptions) {
    this.#recorder = recorder
    this.#process = new ProcessFigures({ directory })
  }

  /** Takes a sample each second from now on. */
  start(): void {
    this.#timer = setInterval(() => this.sample(), sampleMs).unref()
  }

  /** A part that is there from now on. */
  add(figures: Figures): void {
    this.#parts.push(figures)
  }

  happened: Recorder['occurrence'] = (name, what) => this.#recorder.occurrence(name, what)

  /** An error that somebody met and went on from: told once a second for each place and code, with how often. */
  failed(where: string, error: unknown): void {
    this.#errors.add(where, error)
  }

  sample(): void {
    const began = process.threadCpuUsage()
    const values: Record<string, number> = {}
    for (const figures of [() => this.#process.read(), ...this.#parts]) {
      try {
        Object.assign(values, figures())
      } catch (error) {
        this.failed('recorder', error)
      }
    }
    if (this.#cost !== undefined) values['recorder.cost'] = this.#cost
    this.#recorder.sample(values)
    for (const { where, code, message, count } of this.#errors.take())
      this.happened('error', { subject: where, detail: { code, message, count } })
    const { user, system } = process.threadCpuUsage(began)
    this.#cost = (user + system) / 1_000
  }

  close(): void {
    clearInterval(this.#timer)
    this.sample()
    this.#process.stop()
    this.#recorder.close()
  }
}
