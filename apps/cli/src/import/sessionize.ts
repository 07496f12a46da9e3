/** After more than this without a sign of life a session has ended; the next one starts a new session. */
export const sessionGapMs = 30 * 60 * 1000

/**
 * Sessions of users, found from their times alone, given in any order: a time belongs to the session before it when the
 * gap is 30 minutes or less. The platform finds the same ones by itself, and over more than these files.
 *
 * It keeps each session's first and last time and nothing of the times between: 16 bytes a session, one entry a user.
 */
export class SessionIndex {
  /** By user: start, end, start, end, … in order, more than a gap apart. */
  readonly #spans = new Map<string, number[]>()

  get users(): number {
    return this.#spans.size
  }

  get sessions(): number {
    let spans = 0
    for (const { length } of this.#spans.values()) spans += length / 2
    return spans
  }

  add(user: string, timeMs: number): void {
    const spans = this.#spans.get(user)
    if (spans) addTime(spans, timeMs)
    else this.#spans.set(user, [timeMs, timeMs])
  }

  /** How many sessions began on each day (UTC), by day. */
  byDay(): Record<string, number> {
    const days: Record<string, number> = {}
    for (const spans of this.#spans.values()) {
      for (let i = 0; i < spans.length; i += 2) {
        const day = new Date(spans[i]!).toISOString().slice(0, 10)
        days[day] = (days[day] ?? 0) + 1
      }
    }
    return Object.fromEntries(Object.entries(days).sort())
  }
}

/** Puts a time among ordered spans, and joins those that it brings within a gap of each other. */
function addTime(spans: number[], timeMs: number): void {
  const after = firstAfter(spans, timeMs)
  const joinsBefore = after > 0 && timeMs - spans[after - 1]! <= sessionGapMs
  const joinsAfter = after < spans.length && spans[after]! - timeMs <= sessionGapMs
  if (joinsBefore && joinsAfter) spans.splice(after - 1, 2)
  else if (joinsBefore) spans[after - 1] = Math.max(spans[after - 1]!, timeMs)
  else if (joinsAfter) spans[after] = timeMs
  else spans.splice(after, 0, timeMs, timeMs)
}

/** The index of the first start after a time. Most times are the latest. */
function firstAfter(spans: number[], timeMs: number): number {
  let low = 0
  let high = spans.length / 2
  if (high > 0 && spans[(high - 1) * 2]! <= timeMs) return spans.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (spans[middle * 2]! > timeMs) high = middle
    else low = middle + 1
  }
  return low * 2
}
