import type { Clock } from '../clock.ts'
import { DrainTimeoutError, textOf } from '../errors.ts'

/** What a step may tell of what it did not let finish. */
export interface CutOff {
  /** In words: `2 connections with a request in flight`. */
  cutOff: string
}

/** Finishes what is in flight and closes. When `signal` aborts it has no time left, and a moment to say what it cut off. */
export type DrainStep = (context: { signal: AbortSignal; leftMs: number }) => PromiseLike<unknown> | unknown

export interface StepResult {
  name: string
  /** `cut off`: out of time. `not begun`: the steps before it had used all there was. */
  outcome: 'done' | 'failed' | 'cut off' | 'not begun'
  tookMs: number
  /** What failed, or what was cut off. */
  output?: string
}

/** How long a step that is out of time may take to say what it cut off: a part of the time, not on top of it. */
const lastWordsMs = (leftMs: number) => Math.min(250, leftMs / 10)

/** Runs a step for at most `leftMs`. Never rejects, and leaves nothing of its own behind. */
export async function runStep(name: string, step: DrainStep, leftMs: number, clock: Clock): Promise<StepResult> {
  if (leftMs <= 0) return { name, outcome: 'not begun', tookMs: 0 }
  const began = clock.now()
  const abort = new AbortController()
  const workMs = leftMs - lastWordsMs(leftMs)
  const ended = (async () => step({ signal: abort.signal, leftMs: workMs }))().then(
    value => ({ value }),
    (error: unknown) => ({ error })
  )
  const inTime = await within(ended, workMs, clock)
  const result = (outcome: StepResult['outcome'], output?: string): StepResult => ({
    name,
    outcome,
    tookMs: Math.round(clock.now() - began),
    ...(output === undefined ? {} : { output })
  })
  if (inTime !== undefined) {
    if ('error' in inTime) return result('failed', textOf(inTime.error))
    const words = cutOffOf(inTime.value)
    return words === undefined ? result('done') : result('cut off', words)
  }
  abort.abort(new DrainTimeoutError(`${name} had ${Math.round(workMs)} ms, which are over`))
  const last = await within(ended, leftMs - workMs, clock)
  return result('cut off', last !== undefined && 'value' in last ? cutOffOf(last.value) : undefined)
}

function cutOffOf(value: unknown): string | undefined {
  const words = (value as Partial<CutOff> | null | undefined)?.cutOff
  return typeof words === 'string' ? words : undefined
}

/** `undefined` when time was over first. */
function within<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T | undefined> {
  return new Promise(resolve => {
    const timer = clock.setTimer(() => resolve(undefined), ms)
    void promise.then(value => {
      clock.clearTimer(timer)
      resolve(value)
    })
  })
}
