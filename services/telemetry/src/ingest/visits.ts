/**
 * A session's visits: what is billed. A visit is activity without a gap of more than `visitGapMs`; when the heartbeats
 * stay away longer it is over, and a late one that comes to fill the gap joins what was two. So the visits follow from the
 * set of times alone, whatever the order, the repeats and the batches in which they came.
 */

/** Start, end, start, end, … in milliseconds, in order, more than a gap apart. */
export type Visits = readonly number[]

/** As long as analytics products wait: 30 minutes. */
export const visitGapMs = 30 * 60_000

/** `visits` with one more time of activity; the same array when nothing changes. */
export function addTime(visits: Visits, time: number): Visits {
  if (holdsTime(visits, time)) return visits
  const changed = [...visits]
  putTime(changed, time)
  return changed
}

/** The same in place, for whoever adds many times to the visits of many. */
export function putTime(visits: number[], time: number): void {
  const next = startAfter(visits, time)
  const joinsBefore = next > 0 && time - visits[next - 1]! <= visitGapMs
  const joinsAfter = next < visits.length && visits[next]! - time <= visitGapMs
  if (joinsBefore && joinsAfter) visits.splice(next - 1, 2)
  else if (joinsBefore) visits[next - 1] = Math.max(visits[next - 1]!, time)
  else if (joinsAfter) visits[next] = time
  else visits.splice(next, 0, time, time)
}

function holdsTime(visits: Visits, time: number): boolean {
  const next = startAfter(visits, time)
  return next > 0 && time <= visits[next - 1]!
}

/** The place of the visit that holds `time`. */
export function visitAt(visits: Visits, time: number): number {
  return startAfter(visits, time) / 2 - 1
}

/** The index of the first start after `time`. Most times are the latest. */
function startAfter(visits: Visits, time: number): number {
  if (visits.length > 0 && visits[visits.length - 2]! <= time) return visits.length
  let low = 0
  let high = visits.length / 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if (visits[middle * 2]! > time) high = middle
    else low = middle + 1
  }
  return low * 2
}
