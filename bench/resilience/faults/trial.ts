import { type ManualClock, manualClock } from '@plimsoll/resilience'
import { fakeTime } from './fake-time.ts'
import type { Library, Subject, Wanted, Work } from './library.ts'

export type Verdict =
  | { kind: 'passed' }
  | { kind: 'failed'; why: string[] }
  /** The library does not offer what the trial is about. */
  | { kind: 'lacks'; why: string[] }

/** What one trial works with. */
export interface Bench {
  library: Library
  clock: ManualClock
  make(wanted: Wanted): Subject
  /** A sentence for what went wrong, kept when `ok` is false. */
  check(ok: boolean, why: string): void
}

export interface Trial {
  title: string
  /** Without one of these a library cannot take part. */
  needs?: (keyof Library['lacks'])[]
  /** It goes on without these, and what it says of a library without them is `lacks` at best. */
  wants?: (keyof Library['lacks'])[]
  /** Whether it measures real time. */
  measures?: boolean
  run(bench: Bench): Promise<void>
}

/** One trial of one library, on a clock of its own. */
export async function judge(trial: Trial, library: Library): Promise<Verdict> {
  const missing = (keys: Trial['needs'] = []) => keys.flatMap(key => library.lacks[key] ?? [])
  if (missing(trial.needs).length > 0) return { kind: 'lacks', why: missing(trial.needs) }
  const why: string[] = []
  const clock = manualClock()
  using _ = fakeTime(clock)
  await trial.run({
    library,
    clock,
    make: wanted => library.make(wanted, clock),
    check(ok, fault) {
      if (!ok) why.push(fault)
    }
  })
  if (why.length > 0) return { kind: 'failed', why }
  return missing(trial.wants).length > 0 ? { kind: 'lacks', why: missing(trial.wants) } : { kind: 'passed' }
}

/** What became of a promise, without waiting for it: one that never settles is a finding and not a hang. */
export interface Watched<T> {
  state: 'pending' | 'ok' | 'failed'
  value?: T
  error?: unknown
  at?: number
}

export function watch<T>(clock: ManualClock, promise: Promise<T>): Watched<T> {
  const watched: Watched<T> = { state: 'pending' }
  promise.then(
    value => Object.assign(watched, { state: 'ok', value, at: clock.now() }),
    error => Object.assign(watched, { state: 'failed', error, at: clock.now() })
  )
  return watched
}

/** A function that ends when it is told to, and does not look at its signal. */
export function held<T>() {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  let signal: AbortSignal | undefined
  let begun = 0
  return {
    work: (context => {
      begun++
      signal = context.signal
      return promise
    }) as Work<T>,
    resolve,
    reject,
    signal: () => signal,
    begun: () => begun
  }
}

export const fails: Work<never> = () => Promise.reject(new Error('down'))
export const works: Work<string> = async () => 'up'

/** So many calls, one after another, whatever becomes of them. */
export async function times(subject: Subject, n: number, work: Work<unknown>): Promise<void> {
  for (let i = 0; i < n; i++) await subject.run(work).catch(() => {})
}
