/** After more than this without a sign of life a session has ended; the next one starts a new session. */
export const sessionGapMs = 30 * 60 * 1000

/**
 * Sessions of users, found from their times alone, given in any order: a time belongs to the session before it when the
 * gap is 30 minutes or less.
 *
 * It keeps each session's first and last time and nothing of the times between: 16 bytes a session while it grows, 8 when
 * it is sealed, and one entry for each user.
 */
export class SessionIndex {
  readonly #numbers = new Map<string, number>()
  /** For each user: start, end, start, end, … in order, more than a gap apart. */
  #spans: number[][] | undefined = []
  /** When sealed: the starts of user n are #starts[#firsts[n] .. #firsts[n + 1]]. */
  #starts = new Float64Array(0)
  #firsts = new Uint32Array(0)

  get users(): number {
    return this.#numbers.size
  }

  /** Known when sealed. */
  get sessions(): number {
    return this.#starts.length
  }

  add(user: string, timeMs: number): void {
    if (this.#spans === undefined) throw new Error('The index is sealed; it takes no more times.')
    const number = this.#numbers.get(user)
    if (number !== undefined) addTime(this.#spans[number]!, timeMs)
    else {
      this.#numbers.set(user, this.#spans.length)
      this.#spans.push([timeMs, timeMs])
    }
  }

  /** Ends the adding; from here on sessions can be asked for. */
  seal(): void {
    const spans = this.#spans
    if (spans === undefined) return
    this.#spans = undefined
    this.#firsts = new Uint32Array(spans.length + 1)
    for (const [user, { length }] of spans.entries()) this.#firsts[user + 1] = this.#firsts[user]! + length / 2
    this.#starts = new Float64Array(this.#firsts.at(-1)!)
    let next = 0
    for (const span of spans) for (let i = 0; i < span.length; i += 2) this.#starts[next++] = span[i]!
  }

  /** @throws {RangeError} for a user or a time that was never added */
  sessionOf(user: string, timeMs: number): { startMs: number } {
    if (this.#spans !== undefined)
      throw new Error('The index is not sealed yet; a later time could still join sessions.')
    const number = this.#numbers.get(user)
    if (number === undefined) throw new RangeError('This user was never added.')
    const first = this.#firsts[number]!
    const starts = this.#starts.subarray(first, this.#firsts[number + 1])
    const startMs = starts[firstAfter(starts, 1, timeMs) - 1]
    if (startMs === undefined) throw new RangeError('This time was never added for this user.')
    return { startMs }
  }
}

/** Puts a time among ordered spans, and joins those that it brings within a gap of each other. */
function addTime(spans: number[], timeMs: number): void {
  const after = firstAfter(spans, 2, timeMs)
  const joinsBefore = after > 0 && timeMs - spans[after - 1]! <= sessionGapMs
  const joinsAfter = after < spans.length && spans[after]! - timeMs <= sessionGapMs
  if (joinsBefore && joinsAfter) spans.splice(after - 1, 2)
  else if (joinsBefore) spans[after - 1] = Math.max(spans[after - 1]!, timeMs)
  else if (joinsAfter) spans[after] = timeMs
  else spans.splice(after, 0, timeMs, timeMs)
}

/** The index of the first start after a time, where every `step`th number is a start, in order. Most times are the latest. */
function firstAfter(numbers: { length: number; [index: number]: number }, step: number, timeMs: number): number {
  let low = 0
  let high = numbers.length / step
  if (high > 0 && numbers[(high - 1) * step]! <= timeMs) return numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (numbers[middle * step]! > timeMs) high = middle
    else low = middle + 1
  }
  return low * step
}
