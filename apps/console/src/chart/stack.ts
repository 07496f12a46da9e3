import { countOf } from '../tiers.ts'

/** From the sparse answer of the API to the full, stacked grid a chart needs. */

const STEP = { hour: 3600, day: 86_400 } as const
/** More points than this are not filled in: a chart has not that many pixels. */
const MOST_POINTS = 6000

export interface Grid {
  /** Seconds since the epoch, the start of each step. */
  times: number[]
  /** Seconds. */
  step: number
}

/** Every step of the range, in seconds. `from` and `to` in milliseconds. Steps that lie wholly in the future are left out. */
export function grid(from: number, to: number, step: 'hour' | 'day', now: number): Grid {
  const width = STEP[step]
  const start = Math.floor(from / 1000 / width) * width
  const end = Math.min(to, now) / 1000
  const times: number[] = []
  for (let time = start; time < end && times.length < MOST_POINTS; time += width) times.push(time)
  return { times, step: width }
}

/** What the x axis spans: whole steps, so that the last bar is not cut when a range ends within its day. Seconds. */
export function axisSpan(from: number, to: number, step: 'hour' | 'day'): readonly [number, number] {
  const width = STEP[step]
  return [Math.floor(from / 1000 / width) * width, Math.ceil(to / 1000 / width) * width]
}

export interface Stack {
  times: number[]
  /** Own count of each tier in each step, in the order of the tiers. A step the API left out is a true zero. */
  own: number[][]
  /** Each tier with all below it. */
  cumulative: number[][]
}

/** Stacks counts by tier, the first tier at the bottom. */
export function stack(
  points: readonly { time: string; tiers: Record<string, number> }[],
  tiers: readonly string[],
  on: Grid
): Stack {
  const at = new Map(points.map(point => [stepOf(point.time, on.step), point.tiers]))
  const own = tiers.map(tier => on.times.map(time => countOf(at.get(time) ?? {}, tier)))
  const cumulative: number[][] = []
  for (const counts of own) {
    const below = cumulative.at(-1)
    cumulative.push(counts.map((value, index) => value + (below?.[index] ?? 0)))
  }
  return { times: on.times, own, cumulative }
}

/** Puts points on the grid, one column a reading. A step without a point is null: there was nothing to measure. */
export function columns<P extends { time: string }>(
  points: readonly P[],
  on: Grid,
  readings: readonly ((point: P) => number | null)[]
): (number | null)[][] {
  const at = new Map(points.map(point => [stepOf(point.time, on.step), point]))
  return readings.map(read =>
    on.times.map(time => {
      const point = at.get(time)
      return point === undefined ? null : read(point)
    })
  )
}

function stepOf(time: string, step: number): number {
  return Math.floor(Date.parse(time) / 1000 / step) * step
}
