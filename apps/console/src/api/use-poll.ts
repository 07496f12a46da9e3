import { useEffect, useRef, useState } from 'react'
import { keepEqual } from './keep-equal.ts'
import { createPoller } from './poller.ts'
import type { Answer, ApiProblem } from './request.ts'
import { serverNow } from './server-clock.ts'

export interface Polled<T> {
  /** The last good answer. It stays while asking fails, and while the answer to a new question is on its way. */
  data: T | undefined
  /** The question that `data` answers. */
  answers: string | undefined
  confirmedAt: number | undefined
  /** Set while asking fails. */
  problem: ApiProblem | undefined
  /** When it will be asked again after a failure; platform time, milliseconds. */
  retryAt: number | undefined
}

const NOTHING = { data: undefined, answers: undefined, confirmedAt: undefined, problem: undefined, retryAt: undefined }

/**
 * Keeps the answer to a question up to date while the page is visible. A new `question` gives up the old one on its way
 * and asks at once; undefined asks nothing. `ask` may close over anything: the newest one is used.
 */
export function usePoll<T>(
  question: string | undefined,
  ask: (signal: AbortSignal) => Promise<Answer<T>>,
  intervalMs: number
): Polled<T> {
  const [state, setState] = useState<Polled<T>>(NOTHING)
  const newest = useRef(ask)
  newest.current = ask

  useEffect(() => {
    if (question === undefined) return
    const poller = createPoller<Answer<T>>({
      ask: signal => newest.current(signal),
      onAnswer: ({ data, confirmedAt }) =>
        setState(before => ({
          data: keepEqual(before.data, data),
          answers: question,
          confirmedAt,
          problem: undefined,
          retryAt: undefined
        })),
      onFailure: (problem, retryInMs) => setState(before => ({ ...before, problem, retryAt: serverNow() + retryInMs })),
      intervalMs,
      timers: window,
      random: Math.random
    })
    const follow = () => (document.visibilityState === 'visible' ? poller.resume() : poller.pause())
    follow()
    document.addEventListener('visibilitychange', follow)
    return () => {
      document.removeEventListener('visibilitychange', follow)
      poller.pause()
    }
  }, [question, intervalMs])

  return state
}
