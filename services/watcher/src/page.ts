import { judge, type Observation } from './verdict.ts'

/** The page that is there when the dashboards are not: what is the matter, since when, and the last that was known. */
export function renderPage(seen: Observation): string {
  const verdict = judge(seen)
  const { known } = seen
  const age = known ? `${Math.max(0, Math.round((seen.now - known.at) / 1000))} s ago` : 'never'
  const projects = (known?.projects ?? []).map(
    p =>
      `<tr><td>${quoted(p.project)}</td><td>${p.sessions.toLocaleString('en-GB')}</td><td>${p.events.toLocaleString('en-GB')}</td><td>${quoted(p.lastEvent ?? '')}</td></tr>`
  )
  const exits = seen.exits
    .slice(-10)
    .reverse()
    .map(
      e =>
        `<tr><td>${quoted(e.at)}</td><td>${quoted(e.signal ?? `code ${e.code}`)}</td><td>${Math.round(e.upMs / 1000)} s</td></tr>`
    )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><meta name="viewport" content="width=device-width"><title>Plimsoll: ${verdict.status}</title>
<link rel="stylesheet" href="/page.css"></head><body><main>
<h1>Plimsoll watcher</h1>
<p class="${verdict.status}"><strong>${verdict.status}</strong> ${quoted(verdict.output)}</p>
${seen.address ? `<p>Console: <a href="${quoted(seen.address)}">${quoted(seen.address)}</a></p>` : ''}
<h2>Last known state (${age})</h2>
${known ? `<p>Breaker ${quoted(known.breaker)}; ${known.pendingWrites} writes waiting; read side ${known.caughtUp ? 'caught up' : `${known.lagMs} ms behind`}; ${Math.round(known.rssBytes / 1e6)} MB; restarts ${seen.restarts}.</p>` : '<p>The platform has not reported yet.</p>'}
<table><thead><tr><th>Project</th><th>Sessions</th><th>Events</th><th>Last event</th></tr></thead><tbody>${projects.join('')}</tbody></table>
<h2>Last exits</h2><table><thead><tr><th>When</th><th>How</th><th>After</th></tr></thead><tbody>${exits.join('')}</tbody></table>
</main></body></html>`
}

export const pageStyle = `body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:48rem;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #8884}
.pass strong{color:#1a8f4c}.warn strong{color:#b7791f}.fail strong{color:#c8323c}strong{text-transform:uppercase}`

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function quoted(text: string): string {
  return text.replace(/[&<>"']/g, c => entities[c]!)
}
