import { reportStyle } from '@plimsoll/recorder'
import { dashboardsHtml } from './dashboards-html.ts'
import type { Incident } from './incidents/incident.ts'
import { ago, quoted } from './quoted.ts'
import { judge, type Observation } from './verdict.ts'
import type { Look } from './why/look.ts'

export interface Shown {
  /** Undefined while there was no look at the black box yet. */
  look?: Look | undefined
  incidents?: { open: Incident | undefined; past: readonly Incident[] } | undefined
  /** Whether the numbers of the dashboard may be shown to whoever asks. Default true. */
  numbers?: boolean
}

/** The page that is there when the dashboards are not: what is the matter and why, and the last that was known. */
export function renderPage(seen: Observation, { look, incidents, numbers = true }: Shown = {}): string {
  const verdict = judge(seen)
  const { known } = seen
  const exits = seen.exits
    .slice(-10)
    .reverse()
    .map(
      e =>
        `<tr><td>${quoted(e.at)}</td><td>${quoted(e.signal ?? `code ${e.code}`)}</td><td>${Math.round(e.upMs / 1000)} s</td></tr>`
    )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Plimsoll: ${verdict.status}</title>
<link rel="stylesheet" href="/page.css"></head><body><main>
<h1>Plimsoll watcher</h1>
<section class="verdict ${verdict.status}"><p><strong>${verdict.status}</strong> ${quoted(verdict.output)}</p></section>
${seen.address ? `<p>Console: <a href="${quoted(seen.address)}">${quoted(seen.address)}</a></p>` : ''}
<h2 id="why">Why</h2>
${look?.page ? `<div data-testid="why">${look.page.sections}</div>` : '<p>Nothing has been read from the black box yet.</p>'}
<h2>Last good dashboard</h2>
${numbers ? dashboardsHtml(known, seen.now) : '<p>Sign in to the console to see its numbers here: this watcher listens on more than this machine.</p>'}
<h2>Last known state (${known ? ago(seen.now - known.at) : 'never'})</h2>
${known ? `<p>Breaker ${quoted(known.breaker)}; ${known.pendingWrites} writes waiting; read side ${known.caughtUp ? 'caught up' : `${known.lagMs} ms behind`}; ${Math.round(known.rssBytes / 1e6)} MB; restarts ${seen.restarts}.</p>` : '<p>The platform has not reported yet.</p>'}
<h2>Last exits</h2><div class="wide"><table><thead><tr><th>When</th><th>How</th><th>After</th></tr></thead><tbody>${exits.join('')}</tbody></table></div>
${incidents ? incidentsHtml(incidents) : ''}
${look?.page?.glossary ?? ''}
</main></body></html>`
}

function incidentsHtml({ open, past }: NonNullable<Shown['incidents']>): string {
  const all = [...(open ? [open] : []), ...past].slice(0, 10)
  if (all.length === 0) return ''
  const when = (at: number) => new Date(at).toISOString().slice(0, 19).replace('T', ' ')
  const rows = all.map(
    ({ since, closedAt, cause }) =>
      `<tr><td>${when(since)}</td><td>${closedAt === undefined ? 'goes on' : when(closedAt)}</td><td>${quoted(cause.title)}</td></tr>`
  )
  return `<h2>Last incidents</h2><div class="wide"><table><thead><tr><th>From</th><th>To</th><th>Cause</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

export const pageStyle = `${reportStyle}
.figures{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:.5rem 0}.figures b{display:block;font-size:1.4rem;font-variant-numeric:tabular-nums}
.bars{display:block;width:100%;height:3.5rem}.bars rect{fill:var(--line)}`
