import { memo, useMemo, useState } from 'react'
import type uPlot from 'uplot'
import { serverNow } from '../api/server-clock.ts'
import type { Dashboard } from '../api/types.ts'
import type { Ink } from '../chart/ink.ts'
import { Plot, type PlotShape } from '../chart/Plot.tsx'
import { axisSpan, columns, grid } from '../chart/stack.ts'
import { instant, millis, percent } from '../format.ts'
import type { Standing } from '../freshness.ts'
import { Card } from './Card.tsx'
import { OutcomeFigures } from './OutcomeFigures.tsx'

interface Props {
  dashboard: Dashboard | undefined
  standing: Standing
  theme: string
  onSelect(from: number, to: number): void
}

/** How well it works: latency and error rate over time, on the same clock as the sessions above. */
export const QualityCard = memo(function QualityCard({ dashboard, standing, theme, onSelect }: Props) {
  return (
    <Card name="quality" title="Latency and errors" note="of feature uses, UTC" standing={standing}>
      {dashboard && <Strips dashboard={dashboard} theme={theme} onSelect={onSelect} />}
      {dashboard && <OutcomeFigures dashboard={dashboard} />}
    </Card>
  )
})

const QUANTILES = ['p50', 'p95', 'p99'] as const
type Point = Dashboard['quality'][number]
const errorRate = ({ errors, uses }: { errors: number; uses: number }) => (uses > 0 ? errors / uses : null)

function Strips({ dashboard, theme, onSelect }: { dashboard: Dashboard } & Pick<Props, 'theme' | 'onSelect'>) {
  const { quality, range, latency } = dashboard
  const [hovered, setHovered] = useState<number>()
  const { times, latencies, errors } = useMemo(() => drawn(quality, range), [quality, range])
  const xRange = useMemo(() => axisSpan(Date.parse(range.from), Date.parse(range.to), range.step), [range])
  const at = hovered === undefined ? undefined : times[hovered]
  const read = (data: uPlot.AlignedData, column: number) =>
    hovered === undefined ? undefined : data[column]?.[hovered]
  const uses = dashboard.outcomes.ok + dashboard.outcomes.client_error + dashboard.outcomes.server_error
  const overall = errorRate({ uses, errors: uses - dashboard.outcomes.ok })
  const shared = { xRange, onHover: setHovered, onSelect }
  return (
    <div className="strips">
      <dl className="legend">
        <div className="legend-when">
          <dt>{at === undefined ? 'whole range' : instant(at * 1000)}</dt>
        </div>
        {QUANTILES.map((quantile, index) => (
          <div key={quantile}>
            <dt>
              <span className={`line line-${quantile}`} aria-hidden="true" />
              {quantile}
            </dt>
            <dd>{millis(at === undefined ? latency[quantile] : read(latencies, index + 1))}</dd>
          </div>
        ))}
        <div>
          <dt>
            <span className="line line-error" aria-hidden="true" />
            error rate
          </dt>
          <dd>{percent(at === undefined ? overall : read(errors, 1))}</dd>
        </div>
      </dl>
      {latency.count > 0 ? (
        <Plot
          {...shared}
          label={`Latency: p50 ${millis(latency.p50)}, p95 ${millis(latency.p95)}, p99 ${millis(latency.p99)}`}
          height={170}
          timeAxis={false}
          data={latencies}
          shape={latencyShape}
          structure={theme}
        />
      ) : (
        <p className="quiet no-latency">
          {uses > 0
            ? 'These events carry no durations, so there is no latency to show.'
            : 'No feature was used in this range.'}
        </p>
      )}
      <Plot
        {...shared}
        label={`Error rate: ${percent(overall)}`}
        height={latency.count > 0 ? 120 : 220}
        data={errors}
        shape={errorShape}
        structure={theme}
      />
    </div>
  )
}

function drawn(quality: readonly Point[], range: Dashboard['range']) {
  const on = grid(Date.parse(range.from), Date.parse(range.to), range.step, serverNow())
  const middles = on.times.map(time => time + on.step / 2)
  const latencies: uPlot.AlignedData = [
    middles,
    ...columns(quality, on, [point => point.p50, point => point.p95, point => point.p99])
  ]
  const errors: uPlot.AlignedData = [middles, ...columns(quality, on, [errorRate])]
  return { times: on.times, latencies, errors }
}

function latencyShape(ink: Ink): PlotShape {
  return {
    series: [
      { label: 'p50', stroke: ink.p50, width: 1.75 },
      { label: 'p95', stroke: ink.p95, width: 1.5 },
      { label: 'p99', stroke: ink.p99, width: 1.25, dash: [4, 3] }
    ],
    yLabel: millis,
    yRange: greatest => [0, Math.max(1, greatest * 1.08)]
  }
}

function errorShape(ink: Ink): PlotShape {
  return {
    series: [{ label: 'error rate', stroke: ink.error, width: 1.5, fill: ink.errorFill }],
    yLabel: value => `${Number((value * 100).toFixed(1))}%`,
    yRange: greatest => [0, Math.min(1, Math.max(0.02, greatest * 1.15))]
  }
}
