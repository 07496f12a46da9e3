import { dayShort } from '../format.ts'

const DAY = 86_400
const months = new Intl.DateTimeFormat('en-GB', { month: 'short', year: 'numeric', timeZone: 'UTC' })

/**
 * The label of a tick, in UTC. `time` and `increment`, the distance between ticks, in seconds. Midnight carries the day,
 * other hours the time, so that each label says only what the one before it did not.
 */
export function tickLabel(time: number, increment: number): string {
  if (increment >= 28 * DAY) return months.format(new Date(time * 1000))
  if (time % DAY === 0) return dayShort(time * 1000)
  return new Date(time * 1000).toISOString().slice(11, 16)
}

/** Distances between ticks that a person reads easily, in seconds: 1 h to 1 year. */
export const INCREMENTS = [1, 2, 3, 6, 12]
  .map(hours => hours * 3600)
  .concat([1, 2, 5, 7, 14, 28, 91, 182, 365].map(days => days * DAY))

/** Ticks at whole multiples of the increment, counted from the epoch: at UTC midnight, whatever the viewer's zone. */
export function ticks(from: number, to: number, increment: number): number[] {
  const splits: number[] = []
  for (let time = Math.ceil(from / increment) * increment; time <= to && splits.length < 200; time += increment)
    splits.push(time)
  return splits
}
