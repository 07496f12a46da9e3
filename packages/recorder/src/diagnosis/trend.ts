import type { Point } from './timeline.ts'

const windows = 12
const fewest = 6
/** Kendall's tau that a trend must have: of the pairs of windows so many more rise than fall. */
const leastTau = 0.6
/** Shorter than this is no trend but a moment, in milliseconds. */
const leastMs = 60_000

/**
 * By how much a series rises in a millisecond, or undefined where it only goes up and down: the median of the slopes
 * between the medians of twelve windows (Theil and Sen), and only if most pairs of them agree about the direction (Mann
 * and Kendall). A collection of garbage or a burst moves neither.
 */
export function trendOf(points: readonly Point[]): number | undefined {
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last || last.at - first.at < leastMs) return undefined
  const width = (last.at - first.at + 1) / windows
  const values: number[][] = Array.from({ length: windows }, () => [])
  for (const { at, value } of points) values[Math.floor((at - first.at) / width)]?.push(value)
  const medians = values.flatMap((inside, index) => {
    const sorted = inside.sort((a, b) => a - b)
    return sorted.length === 0 ? [] : [{ at: first.at + (index + 0.5) * width, value: sorted[sorted.length >> 1]! }]
  })
  if (medians.length < fewest) return undefined
  const slopes: number[] = []
  let agreement = 0
  medians.forEach((late, index) => {
    for (const early of medians.slice(0, index)) {
      slopes.push((late.value - early.value) / (late.at - early.at))
      agreement += Math.sign(late.value - early.value)
    }
  })
  if (Math.abs(agreement) / slopes.length < leastTau) return undefined
  return slopes.sort((a, b) => a - b)[slopes.length >> 1]
}
