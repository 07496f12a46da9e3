import { type Curves, story } from './simulation.ts'

const width = 760
const panelHeight = 150
const left = 76
const right = 20
const top = 66
const gap = 62

/** Both nights as one SVG: the same words and numbers give the same bytes. Its colours are read in dark and in light. */
export function drawStory({ withPolicies, without }: { withPolicies: Curves; without: Curves }): string {
  const panels = [
    panel(0, 'sessions stored a second', withPolicies.sessions, without.sessions),
    panel(1, 'dashboard answers a second', withPolicies.dashboard, without.dashboard)
  ]
  const height = top + 2 * panelHeight + gap + 46
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title about">`,
    '<title id="title">The metadata API goes from 5 ms to 800 ms, with and without the policies</title>',
    `<desc id="about">With the policies sessions and dashboard go on as before. Without them both all but stop while it is slow.</desc>`,
    style,
    `<rect class="paper" width="${width}" height="${height}" rx="8"/>`,
    `<text class="head" x="${left}" y="26">200 workers; metadata from ${story.healthyMs} ms to ${story.slowMs} ms</text>`,
    `<path class="with" d="M${width - 292} 22h22"/><text x="${width - 264}" y="26">with policies</text>`,
    `<path class="without" d="M${width - 166} 22h22"/><text x="${width - 138}" y="26">without</text>`,
    ...panels,
    `<text class="small" x="${(left + width - right) / 2}" y="${height - 10}" text-anchor="middle">seconds</text>`,
    '</svg>'
  ].join('\n')}\n`
}

const style = `<style>
.paper{fill:#fff}text{font:13px system-ui,sans-serif;fill:#24292f}.head{font-weight:600}.small{font-size:11px;fill:#57606a}
.slow{fill:#f6c34433}.grid{stroke:#57606a40}.with,.without{fill:none;stroke-width:2.5;stroke-linejoin:round}
.with{stroke:#1a7f64}.without{stroke:#c9372c;stroke-dasharray:7 4}
@media (prefers-color-scheme:dark){.paper{fill:#161b22}text{fill:#e6edf3}.small{fill:#9da7b3}.with{stroke:#4cc9a4}.without{stroke:#ff7b72}.grid{stroke:#9da7b340}}
</style>`

function panel(index: number, title: string, withPolicies: readonly number[], without: readonly number[]): string {
  const y0 = top + index * (panelHeight + gap)
  const bottom = y0 + panelHeight
  const most = niceMost(Math.max(...withPolicies, ...without))
  const seconds = withPolicies.length
  const x = (second: number) => round(left + (second / seconds) * (width - left - right))
  const y = (value: number) => round(bottom - (value / most) * panelHeight)
  const line = (curve: readonly number[]) =>
    curve.map((value, second) => `${second === 0 ? 'M' : 'L'}${x(second + 0.5)} ${y(value)}`).join('')
  const slowFrom = x(story.secondsHealthy)
  const slowTo = x(story.secondsHealthy + story.secondsSlow)
  return [
    `<text x="${left}" y="${y0 - 10}">${title}</text>`,
    `<rect class="slow" x="${slowFrom}" y="${y0}" width="${round(slowTo - slowFrom)}" height="${panelHeight}"/>`,
    `<text class="small" x="${slowFrom + 6}" y="${y0 + panelHeight / 2}">metadata slow</text>`,
    ...[0, 0.5, 1].map(
      share =>
        `<path class="grid" d="M${left} ${y(share * most)}H${width - right}"/><text class="small" x="${left - 8}" y="${y(share * most) + 4}" text-anchor="end">${(share * most).toLocaleString('en-GB')}</text>`
    ),
    ...Array.from(
      { length: seconds / 4 + 1 },
      (_, i) => `<text class="small" x="${x(i * 4)}" y="${bottom + 18}" text-anchor="middle">${i * 4}</text>`
    ),
    `<path class="without" d="${line(without)}"/>`,
    `<path class="with" d="${line(withPolicies)}"/>`
  ].join('\n')
}

const round = (n: number) => Math.round(n * 10) / 10

/** The next 1, 2 or 5 times a power of ten. */
function niceMost(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 5, 10].find(step => step * power >= value) ?? 10) * power
}
