/**
 * How long the main thread has been silent, as seen by a thread that may itself have been stopped.
 *
 * When the whole process stands still (SIGSTOP, a frozen container, a machine that was suspended), both threads wake
 * together, and the silence up to then says nothing about the main thread. So after a gap in one's own time, silence
 * counts from the waking on. Pure but for what it remembers.
 */
export class SilenceWatch {
  readonly #gapMs: number
  #awakeAt: number
  #countsFrom: number

  /** @param gapMs a pause of one's own of at least this many milliseconds is a standstill of the process */
  constructor(gapMs: number, nowMs: number) {
    this.#gapMs = gapMs
    this.#awakeAt = nowMs
    this.#countsFrom = nowMs
  }

  /** To be called often, at intervals well below the gap. */
  awake(nowMs: number): void {
    if (nowMs - this.#awakeAt >= this.#gapMs) this.#countsFrom = nowMs
    this.#awakeAt = nowMs
  }

  silentMs(lastBeatMs: number, nowMs: number): number {
    this.awake(nowMs)
    return Math.max(0, nowMs - Math.max(lastBeatMs, this.#countsFrom))
  }
}
