import type { Point } from '../diagnosis/timeline.ts'
import { bounds } from './bounds.ts'

export interface Axis {
  from: number
  to: number
}

/** Where a moment stands on the axis, 0 … 1000. */
export function place({ from, to }: Axis, at: number): number {
  const share = to > from ? (at - from) / (to - from) : 0
  return Math.round(Math.min(1, Math.max(0, share)) * 10_000) / 10
}

/** One value a column, the worst in it: what is a peak in a day of records must still be one on a phone. */
export function columnsOf(points: readonly Point[], axis: Axis, lowIsBad: boolean): Point[] {
  const width = Math.max(1, (axis.to - axis.from) / bounds.columns)
  const columns = new Map<number, Point>()
  for (const point of points) {
    const column = Math.floor((point.at - axis.from) / width)
    const worst = columns.get(column)
    if (!worst || (lowIsBad ? point.value < worst.value : point.value > worst.value)) columns.set(column, point)
  }
  return [...columns.entries()].sort(([a], [b]) => a - b).map(([, point]) => point)
}

export interface Drawn {
  /** Path data of the line, and of the area under it, in a box of 1000 by `height`. */
  line: string
  area: string
  /** The value at the top edge. */
  top: number
}

/** A series as a line from zero to its greatest value. Where nothing was measured for a while the line is broken. */
export function draw(points: readonly Point[], axis: Axis, height: number, lowIsBad = false): Drawn {
  const columns = columnsOf(points, axis, lowIsBad)
  const top = columns.reduce((max, { value }) => Math.max(max, value), 0) || 1
  const gap = Math.max(6_000, (4 * (axis.to - axis.from)) / bounds.columns)
  const runs: Point[][] = []
  for (const point of columns) {
    const run = runs.at(-1)
    const last = run?.at(-1)
    if (run && last && point.at - last.at <= gap) run.push(point)
    else runs.push([point])
  }
  const x = ({ at }: Point) => place(axis, at)
  const y = ({ value }: Point) => Math.round((height - 2 - (Math.max(0, value) / top) * (height - 4)) * 10) / 10
  const lines = runs.map(run => {
    // A single second has no length; it gets one that can be seen.
    const drawn = run.length === 1 ? [run[0]!, { ...run[0]!, at: run[0]!.at + gap / 6 }] : run
    return drawn.map(point => `${x(point)} ${y(point)}`)
  })
  return {
    line: lines.map(run => `M${run.join('L')}`).join(''),
    area: lines
      .map(run => `M${run[0]!.split(' ')[0]} ${height}L${run.join('L')}L${run.at(-1)!.split(' ')[0]} ${height}Z`)
      .join(''),
    top
  }
}

/** Moments for the labels of an axis: round ones, at most `most`. */
export function ticksOf({ from, to }: Axis, most = 5): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400]
  const step = (steps.find(seconds => (to - from) / (seconds * 1_000) <= most) ?? 86_400 * 7) * 1_000
  const ticks: number[] = []
  for (let at = Math.ceil(from / step) * step; at <= to && ticks.length <= most; at += step) ticks.push(at)
  return ticks
}
