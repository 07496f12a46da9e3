import { memo, useMemo, useState } from 'react'
import uPlot from 'uplot'
import { serverNow } from '../api/server-clock.ts'
import type { Dashboard } from '../api/types.ts'
import { hatch, type Ink, TIER_INKS } from '../chart/ink.ts'
import { Plot, type PlotShape } from '../chart/Plot.tsx'
import { axisSpan, grid, stack } from '../chart/stack.ts'
import { toCsv } from '../csv.ts'
import { count, countShort, dayName, instant } from '../format.ts'
import type { Standing } from '../freshness.ts'
import { countOf, tierInk, tierName, tiersIn } from '../tiers.ts'
import { Card } from './Card.tsx'
import { CsvButton } from './CsvButton.tsx'
import { TierSwatch } from './TierSwatch.tsx'

interface Props {
  dashboard: Dashboard | undefined
  standing: Standing
  theme: string
  onSelect(from: number, to: number): void
}

/** Sessions over time, stacked by plan tier. */
export const TrendCard = memo(function TrendCard({ dashboard, standing, theme, onSelect }: Props) {
  const step = dashboard?.range.step === 'day' ? 'day' : 'hour'
  return (
    <Card
      name="trend"
      title="Sessions by plan tier"
      note={`started per ${step}, UTC`}
      standing={standing}
      actions={dashboard && <CsvButton name={`${dashboard.project}-sessions-by-tier`} text={() => csv(dashboard)} />}
    >
      {dashboard && <Trend dashboard={dashboard} theme={theme} onSelect={onSelect} />}
    </Card>
  )
})

function Trend({ dashboard, theme, onSelect }: { dashboard: Dashboard } & Pick<Props, 'theme' | 'onSelect'>) {
  const { sessions, range } = dashboard
  const [hovered, setHovered] = useState<number>()
  const tiers = useMemo(() => tiersIn([sessions.byTier, ...sessions.trend.map(point => point.tiers)]), [sessions])
  const drawn = useMemo(() => {
    const on = grid(Date.parse(range.from), Date.parse(range.to), range.step, serverNow())
    const stacked = stack(sessions.trend, tiers, on)
    const middles = stacked.times.map(time => time + on.step / 2)
    // Drawn from the top of the stack down, each bar over the one before it.
    const data: uPlot.AlignedData = [middles, ...stacked.cumulative.toReversed()]
    return { ...stacked, data }
  }, [sessions.trend, range, tiers])
  const xRange = useMemo(() => axisSpan(Date.parse(range.from), Date.parse(range.to), range.step), [range])

  const at = hovered === undefined ? undefined : drawn.times[hovered]
  const readings = tiers.map(
    (tier, layer) => (at === undefined ? countOf(sessions.byTier, tier) : drawn.own[layer]?.[hovered ?? 0]) ?? 0
  )
  const total = at === undefined ? sessions.total : (drawn.cumulative.at(-1)?.[hovered ?? 0] ?? 0)
  return (
    <>
      <dl className="legend">
        <div className="legend-when">
          <dt>{at === undefined ? 'whole range' : when(at, range.step)}</dt>
          <dd>{count(total)}</dd>
        </div>
        {tiers.map((tier, layer) => (
          <div key={tier}>
            <dt>
              <TierSwatch tier={tier} tiers={tiers} />
              {tierName(tier)}
            </dt>
            <dd>{count(readings[layer])}</dd>
          </div>
        ))}
      </dl>
      <Plot
        label={`Sessions started per ${range.step} by plan tier, ${instant(range.from)} to ${instant(range.to)}: ${count(sessions.total)} in all`}
        height={292}
        data={drawn.data}
        xRange={xRange}
        shape={ink => shapeOf(tiers, ink)}
        structure={`${theme} ${tiers.join(' ')}`}
        onHover={setHovered}
        onSelect={onSelect}
      />
    </>
  )
}

function when(time: number, step: 'hour' | 'day'): string {
  return step === 'day' ? dayName(time * 1000) : instant(time * 1000)
}

function shapeOf(tiers: readonly string[], ink: Ink): PlotShape {
  const paths = uPlot.paths.bars?.({ size: [0.9, 56, 1] })
  const series = tiers.toReversed().map((tier): uPlot.Series => {
    const which = tierInk(tier, tiers, TIER_INKS)
    const colour = which === 'unknown' ? ink.unknown : which === 'none' ? ink.none : (ink.tiers[which] ?? ink.none)
    const fill = which === 'unknown' ? hatch(colour) : colour
    return { label: tierName(tier), width: 0, fill: () => fill, points: { show: false }, ...(paths && { paths }) }
  })
  return { series, yLabel: countShort, yRange: greatest => [0, Math.max(4, greatest * 1.06)] }
}

function csv({ sessions }: Dashboard): string {
  const tiers = tiersIn(sessions.trend.map(point => point.tiers))
  return toCsv(
    ['time', ...tiers],
    sessions.trend.map(point => [point.time, ...tiers.map(tier => countOf(point.tiers, tier))])
  )
}
