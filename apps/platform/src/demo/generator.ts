import { busiest, busyness, workingHours } from './day-curve.ts'
import { exponential } from './distributions.ts'
import { EventQueue } from './event-queue.ts'
import { createRandom } from './random.ts'
import { type DemoEvent, type Incident, meanSessionEvents, sessionEvents, type TimedEvent } from './session.ts'

export type { DemoEvent } from './session.ts'

const dayMs = 86_400_000

export interface DemoOptions {
  seed: number
  /** The first moment that an event may have. */
  from: Date
  /** The first moment that no event has any more. */
  to: Date
  /** Mean over a whole week: a Wednesday has more, a Sunday has less. */
  sessionsPerDay: number
}

/**
 * The events of a believable product, in order of time: quiet nights and weekends, busy afternoons, one hour in which
 * things go wrong. The same options give the same events, to the byte. It holds the sessions that are going on, no more.
 */
export function* demoEvents({ seed, from, to, sessionsPerDay }: DemoOptions): Generator<DemoEvent> {
  const random = createRandom(seed)
  const [fromMs, toMs] = [from.getTime(), to.getTime()]
  const hours = workingHours(fromMs, toMs)
  const incident: Incident | undefined = hours[Math.floor(random.next() * hours.length)]
  const upcoming = new EventQueue<TimedEvent>()
  const meanGapMs = dayMs / (sessionsPerDay * busiest)

  // Thinning (Lewis and Shedler, 1979): arrivals as if it were always the busiest hour, of which the quiet hours keep few.
  for (let start = fromMs; ; ) {
    start += exponential(random, meanGapMs)
    // Also ends a demo of no sessions at all, whose first one would come never.
    if (!(start < toMs)) break
    if (random.next() * busiest >= busyness(start)) continue
    const startMs = Math.floor(start)
    for (const { event } of upcoming.until(startMs)) yield event
    for (const timed of sessionEvents(random, startMs, incident)) upcoming.add(timed)
  }
  for (const { event } of upcoming.until(toMs)) yield event
}

/** After a longer pause (a laptop slept) traffic goes on from now, rather than catching up all at once. */
const longestStepMs = 10_000

export interface LiveDemo {
  /** The events since the last call, in order of time. Call it about once a second, with Unix time in milliseconds. */
  next(nowMs: number): DemoEvent[]
}

/** @param perSecond events a second on average, once the first sessions have been going on for some minutes */
export function liveDemo({ seed, perSecond }: { seed: number; perSecond: number }): LiveDemo {
  const random = createRandom(seed)
  const upcoming = new EventQueue<TimedEvent>()
  const meanGapMs = (1000 * meanSessionEvents) / perSecond
  let doneMs: number | undefined
  let start = 0

  return {
    next(nowMs) {
      if (doneMs === undefined || nowMs - doneMs > longestStepMs) start = nowMs - 1000 + exponential(random, meanGapMs)
      if (doneMs !== undefined && nowMs <= doneMs) return []
      doneMs = nowMs
      for (; start < nowMs; start += exponential(random, meanGapMs)) {
        for (const timed of sessionEvents(random, Math.floor(start))) upcoming.add(timed)
      }
      return Array.from(upcoming.until(nowMs), ({ event }) => event)
    }
  }
}
