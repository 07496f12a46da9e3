import type { Policy } from '@plimsoll/resilience'
import type { Figures } from './black-box.ts'

/** Longer than this and it is as good as never, in milliseconds. */
const patienceMs = 5_000
/** Between the end of one question and the next. */
const restMs = 1_000

/**
 * A timeout of 200 ms tells that an answer was late, and not whether it would have come after 800 ms or never. While calls
 * end in timeouts or the breaker is not closed, one question at a time is asked with patience, of a user nobody has: it
 * gives `dependency.NAME.probe`, and while it waits `.probe.waiting`. When all is well nothing is asked.
 */
export function patientProbe({ name, url, policy }: { name: string; url: string; policy: Policy }): Figures {
  let late = lateOf(policy)
  let askedAt: number | undefined
  let endedAt = Number.NEGATIVE_INFINITY
  let answer: number | undefined
  let refused = false

  const ask = async () => {
    const began = performance.now()
    askedAt = began
    try {
      const asked = new URL('/v1/users/plimsoll-asks-with-patience/metadata', url)
      await (await fetch(asked, { signal: AbortSignal.timeout(patienceMs) })).arrayBuffer()
      answer = performance.now() - began
    } catch (error) {
      // Refused is an answer of another kind; an end by our own patience is none.
      refused = (error as Error).name !== 'TimeoutError'
    } finally {
      askedAt = undefined
      endedAt = performance.now()
    }
  }
  return () => {
    const now = lateOf(policy)
    const { breaker } = policy.snapshot()
    const isIll = now > late || (breaker !== undefined && breaker !== null && breaker.state !== 'closed')
    late = now
    const figures: Record<string, number> = {}
    if (askedAt !== undefined) figures[`dependency.${name}.probe.waiting`] = performance.now() - askedAt
    if (answer !== undefined) figures[`dependency.${name}.probe`] = answer
    if (refused) figures[`dependency.${name}.probe.refused`] = 1
    answer = undefined
    refused = false
    if (isIll && askedAt === undefined && performance.now() - endedAt >= restMs) void ask()
    return figures
  }
}

function lateOf(policy: Policy): number {
  const { timeouts, deadlines } = policy.snapshot()
  return timeouts + deadlines
}
