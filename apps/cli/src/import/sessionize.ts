import { putTime } from '@plimsoll/service-telemetry/visits'

/**
 * Sessions of users, found from their times alone, given in any order: a time belongs to the session before it when the
 * gap is 30 minutes or less. The platform finds the same ones by the same rule, and over more than these files.
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
    if (spans) putTime(spans, timeMs)
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
