import { type Design, insert, type Parts, type SentEvent } from './design.ts'

/** Rybbit's, from `pageviewQueue.ts`: a flush each second, of 5,000 at most. */
const flushMs = 1_000
const batch = 5_000

/**
 * Answers, then keeps the events in the process and writes them once a second, as Rybbit and Plausible do. What a failed
 * write or a dead process had is gone, and there is no id that would tell a resend.
 */
export function answerFirst({ store }: Parts): Design {
  const waiting: SentEvent[] = []
  const flush = async () => {
    const events = waiting.splice(0, batch)
    // The original logs it and goes on.
    if (events.length > 0) await insert(store, events).catch(() => undefined)
  }
  const timer = setInterval(() => void flush(), flushMs)
  return {
    async take(events) {
      waiting.push(...events)
    },
    async close() {
      clearInterval(timer)
      await flush()
    }
  }
}
