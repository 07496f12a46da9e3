import { bounds } from './bounds.ts'
import { type Axis, draw, place, ticksOf } from './chart.ts'
import { html } from './escape.ts'
import { faultOf, type Incident, marksOf, seriesToDraw } from './incident.ts'
import { markWords } from './occurrence-words.ts'
import { quantity } from './quantity.ts'
import { seriesWords } from './series-words.ts'
import { moment, timeOfDay } from './when.ts'

/** Heights of a chart and of the strip above them, in CSS pixels. */
const height = 64
const strip = 26

/**
 * The timeline: the series that the evidence names, one chart under the other on one axis of time, with what happened as
 * numbered marks and the time of the fault shaded. Inline SVG of presentation attributes and classes alone, so that a page
 * under a policy without inline styles can hold it too. Positions are in per cent, so that text is as large on a phone.
 */
export function timelineHtml(incident: Incident): string {
  const axis: Axis = { from: incident.from, to: incident.to }
  const fault = faultOf(incident)
  const { shown, leftOut } = marksOf(incident)
  const marks = shown.map(({ at }) => place(axis, at) / 10)
  const shade = fault
    ? `<rect class="fault" x="${place(axis, fault.since) / 10}%" y="0" width="${Math.max(0.4, (place(axis, fault.until) - place(axis, fault.since)) / 10).toFixed(1)}%" height="100%"/>`
    : ''
  const under = `${shade}${marks.map(x => `<line class="mark" x1="${x}%" x2="${x}%" y1="0" y2="100%"/>`).join('')}`
  const charts = seriesToDraw(incident).map(({ name, points }) => {
    const words = seriesWords(name)
    const { line, area, top } = draw(points, axis, height, words.lowIsBad ?? false)
    const last = points.at(-1)!.value
    const named = (value: number) => words.states?.[value] ?? quantity(value, words.unit)
    return `<figure class="chart"><figcaption>${html(words.label)} <span class="dim">last ${html(named(last))}</span></figcaption>
<svg width="100%" height="${height}" role="img" aria-label="${html(`${words.label}: at most ${named(top)}, last ${named(last)}`)}">${under}<svg viewBox="0 0 1000 ${height}" preserveAspectRatio="none" width="100%" height="${height}"><path class="area" d="${area}"/><path class="line" vector-effect="non-scaling-stroke" d="${line}"/></svg><text class="tick" x="4" y="12">${html(named(top))}</text></svg></figure>`
  })
  return `<div class="timeline">
<p class="dim">From ${moment(axis.from)} to ${moment(axis.to)}.${fault ? ` Shaded: ${timeOfDay(fault.since)} to ${timeOfDay(fault.until)}, while something was wrong.` : ''}${shown.length > 0 ? ' The numbers are what happened, listed below.' : ''} Each chart begins at 0; the figure at its upper left is its upper edge.</p>
${shown.length > 0 ? `<svg class="strip" width="100%" height="${strip}" aria-hidden="true">${labels(marks)}</svg>` : ''}
${charts.length > 0 ? charts.join('\n') : '<p>None of the series that the causes name was recorded in this time.</p>'}
<svg class="axis" width="100%" height="18" aria-hidden="true">${ticksOf(axis)
    .map(at => {
      const x = place(axis, at) / 10
      const anchor = x < 6 ? 'start' : x > 94 ? 'end' : 'middle'
      return `<text class="tick" text-anchor="${anchor}" x="${x}%" y="13">${timeOfDay(at)}</text>`
    })
    .join('')}</svg>
${shown.length > 0 ? `<ol class="happened">${shown.map(one => `<li><time>${timeOfDay(one.at)}</time> ${html(markWords(one))}</li>`).join('')}</ol>` : ''}
${leftOut > 0 ? `<p class="dim">${leftOut} more, farther from the beginning of the first cause, are not shown; at most ${bounds.marks} are.</p>` : ''}
</div>`
}

/** Numbers over the marks; those that would lie on each other share one label. */
function labels(marks: readonly number[]): string {
  const groups: { x: number; first: number; last: number }[] = []
  marks.forEach((x, index) => {
    const group = groups.at(-1)
    if (group && x - group.x < 7) group.last = index + 1
    else groups.push({ x, first: index + 1, last: index + 1 })
  })
  return groups
    .map(({ x, first, last }) => {
      const anchor = x < 4 ? 'start' : x > 96 ? 'end' : 'middle'
      return `<text class="number" text-anchor="${anchor}" x="${x}%" y="17">${first === last ? first : `${first}–${last}`}</text>`
    })
    .join('')
}
