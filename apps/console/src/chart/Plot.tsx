import { type KeyboardEvent, useEffect, useRef } from 'react'
import uPlot from 'uplot'
import { snapToHours } from '../range.ts'
import { type Ink, readInk } from './ink.ts'
import { INCREMENTS, tickLabel, ticks } from './time-axis.ts'

export interface PlotShape {
  series: uPlot.Series[]
  /** Formats a value of the y axis. */
  yLabel(value: number): string
  /** The y range for the greatest value drawn. */
  yRange(greatest: number): [number, number]
}

export interface PlotProps {
  /** What the chart shows, in words, for those who do not see it. */
  label: string
  /** At least, in pixels; where its box is taller the chart fills it. */
  height: number
  /** Without: the chart below this one names the times of both. */
  timeAxis?: boolean
  /** Seconds, then one column a series. */
  data: uPlot.AlignedData
  /** Seconds. */
  xRange: readonly [number, number]
  shape(ink: Ink): PlotShape
  /** The chart is made anew when this changes; otherwise only its data is. */
  structure: string
  /** The step under the pointer, or chosen with the arrow keys; undefined when none is. */
  onHover(index: number | undefined): void
  /** A span was dragged over; milliseconds. */
  onSelect(from: number, to: number): void
}

/** uPlot in React: made once, fed on every answer, resized with its box. */
export function Plot(props: PlotProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const newest = useRef(props)
  newest.current = props

  // biome-ignore lint/correctness/useExhaustiveDependencies: `structure` stands for all that the chart is made from.
  useEffect(() => {
    const host = box.current
    if (host === null) return
    const made = new uPlot(optionsFor(host, newest), newest.current.data, host)
    plot.current = made
    const resize = new ResizeObserver(() => made.setSize({ width: host.clientWidth, height: host.clientHeight }))
    resize.observe(host)
    return () => {
      resize.disconnect()
      made.destroy()
      plot.current = undefined
    }
  }, [props.structure])

  const [from, to] = props.xRange
  // biome-ignore lint/correctness/useExhaustiveDependencies: the range is read from `newest`, but a new one must be drawn.
  useEffect(() => plot.current?.setData(props.data), [props.data, from, to])

  return (
    // biome-ignore lint/a11y/useSemanticElements: a canvas chart that is moved along with the arrow keys has no element of its own.
    <div
      ref={box}
      className="plot"
      style={{ minHeight: props.height }}
      role="group"
      aria-roledescription="chart"
      aria-label={`${props.label}. Left and right arrow keys read it step by step.`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes the arrow keys.
      tabIndex={0}
      onKeyDown={event => plot.current && moveCursor(event, plot.current)}
      onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
    />
  )
}

function optionsFor(host: HTMLElement, newest: { current: PlotProps }): uPlot.Options {
  const ink = readInk(host)
  const { shape, timeAxis = true } = newest.current
  const { series, yLabel, yRange } = shape(ink)
  const font = `11px ${getComputedStyle(host).fontFamily}`
  const axis = { stroke: ink.label, font, grid: { stroke: ink.grid, width: 1 }, ticks: { show: false } }
  return {
    width: host.clientWidth,
    height: host.clientHeight,
    padding: [8, 22, timeAxis ? 0 : 8, 0],
    legend: { show: false },
    scales: {
      x: { time: false, range: () => [...newest.current.xRange] },
      y: { range: (_, __, greatest) => yRange(greatest ?? 0) }
    },
    series: [{}, ...series],
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: timeAxis ? 26 : 0,
        gap: 6,
        space: 58,
        incrs: INCREMENTS,
        splits: (_, __, min, max, increment) => ticks(min, max, increment),
        values: (_, splits, __, ___, increment) => splits.map(time => (timeAxis ? tickLabel(time, increment) : ''))
      },
      { ...axis, size: 52, gap: 6, space: 30, values: (_, splits) => splits.map(yLabel) }
    ],
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: true, y: false, setScale: false, dist: 6 },
      // All charts show the same instant; a dragged span is the business of the chart it was dragged on.
      sync: { key: 'time', setSeries: false, filters: { pub: type => type === 'mousemove' || type === 'mouseleave' } }
    },
    hooks: {
      setCursor: [plot => newest.current.onHover(plot.cursor.idx ?? undefined)],
      setSelect: [plot => selected(plot, newest.current.onSelect)]
    }
  }
}

function selected(plot: uPlot, onSelect: PlotProps['onSelect']): void {
  const { left, width } = plot.select
  if (width < 1) return
  const span = snapToHours(plot.posToVal(left, 'x') * 1000, plot.posToVal(left + width, 'x') * 1000)
  plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
  onSelect(span.from, span.to)
}

function moveCursor(event: KeyboardEvent, plot: uPlot): void {
  const times = plot.data[0]
  const last = times.length - 1
  const at = plot.cursor.idx ?? last + 1
  const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last }[event.key]
  const time = next === undefined ? undefined : times[Math.min(last, Math.max(0, next))]
  if (time === undefined) return
  event.preventDefault()
  plot.setCursor({ left: plot.valToPos(time, 'x'), top: 0 })
}
