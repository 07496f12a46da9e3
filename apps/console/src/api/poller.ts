import type { ApiProblem } from './request.ts'

export interface Timers {
  setTimeout(run: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

export interface PollerOptions<A> {
  ask(signal: AbortSignal): Promise<A>
  onAnswer(answer: A): void
  /** `retryInMs`: when it will ask again. */
  onFailure(problem: ApiProblem, retryInMs: number): void
  /** Pause between an answer and the next question; milliseconds. */
  intervalMs: number
  timers: Timers
  /** 0 to 1. */
  random(): number
}

export interface Poller {
  /** Stops asking, and gives up a question on its way, until `resume`. */
  pause(): void
  /** Asks at once, and goes on. Does nothing while running. */
  resume(): void
}

const LONGEST_BACKOFF = 15_000
const LONGEST_RETRY_AFTER = 60_000

/**
 * The pause after the n-th failure in a row (n from 1), in milliseconds: doubling, at most 15 s, half of it random, so
 * that the pages of a whole team do not come back to a recovering platform together.
 */
export function backoff(failures: number, intervalMs: number, random: number): number {
  const ceiling = Math.min(LONGEST_BACKOFF, intervalMs * 2 ** Math.min(failures, 16))
  return ceiling / 2 + (ceiling / 2) * random
}

/** Asks, waits, asks again; one question at a time. Starts paused. */
export function createPoller<A>(options: PollerOptions<A>): Poller {
  let running: AbortController | undefined
  let timer: unknown
  let failures = 0

  const turn = async (run: AbortController) => {
    let pause = options.intervalMs
    try {
      const answer = await options.ask(run.signal)
      if (run.signal.aborted) return
      failures = 0
      options.onAnswer(answer)
    } catch (error) {
      if (run.signal.aborted) return
      failures += 1
      const problem = error as ApiProblem
      pause = Math.max(
        backoff(failures, options.intervalMs, options.random()),
        Math.min(problem.retryAfterMs ?? 0, LONGEST_RETRY_AFTER)
      )
      options.onFailure(problem, pause)
    }
    // What was told may have paused us.
    if (!run.signal.aborted) timer = options.timers.setTimeout(() => void turn(run), pause)
  }

  return {
    pause() {
      running?.abort()
      running = undefined
      options.timers.clearTimeout(timer)
    },
    resume() {
      if (running !== undefined) return
      running = new AbortController()
      void turn(running)
    }
  }
}
