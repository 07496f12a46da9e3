import type { KnownDashboard, KnownState } from './contract.ts'
import { ago, quoted } from './quoted.ts'

const figure = (n: number) => (Number.isFinite(n) ? n.toLocaleString('en-GB') : '–')

/** The last answers of the dashboard that the platform sent before it fell silent, each with its age. */
export function dashboardsHtml(known: KnownState | undefined, now: number): string {
  if (!known) return '<p>The platform has not reported yet.</p>'
  const told = (known.dashboards ?? []).map(dashboard => dashboardHtml(dashboard, now))
  const rows = known.projects
    .slice(0, 50)
    .map(
      p =>
        `<tr><td>${quoted(p.project)}</td><td>${figure(p.sessions)}</td><td>${figure(p.events)}</td><td>${quoted(p.lastEvent ?? '')}</td></tr>`
    )
  return `${told.join('\n')}
<h3>All projects</h3><div class="wide"><table><thead><tr><th>Project</th><th>Sessions</th><th>Events</th><th>Last event</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`
}

function dashboardHtml({ project, range, asOf, complete, active, ...of }: KnownDashboard, now: number): string {
  const age = now - Date.parse(asOf)
  const day = (iso: string) => quoted(iso.slice(0, 10))
  return `<article class="cause" data-testid="dashboard"><h3>${quoted(project)}</h3>
<p class="dim">As of <time>${quoted(asOf)}</time>, <b data-testid="dashboard-age">${Number.isFinite(age) ? ago(age) : 'of unknown age'}</b>${complete ? '' : '; not all that was written before is in it'}. From ${day(range.from)} to ${day(range.to)}.</p>
<div class="figures"><span><b>${figure(of.sessions)}</b>sessions</span><span><b>${figure(of.users)}</b>users</span><span><b>${figure(active.now)}</b>active then</span><span><b>${figure(active.last24h)}</b>in the 24 h before</span>${of.byTier.map(([tier, sessions]) => `<span><b>${figure(sessions)}</b>${quoted(tier)}</span>`).join('')}</div>
${bars(of.byDay)}
${of.features.length > 0 ? `<div class="wide"><table><thead><tr><th>Feature</th><th>Uses</th><th>Users</th><th>Errors</th></tr></thead><tbody>${of.features.map(f => `<tr><td>${quoted(f.feature)}</td><td>${figure(f.uses)}</td><td>${figure(f.users)}</td><td>${Math.round(f.errorRate * 1_000) / 10} %</td></tr>`).join('')}</tbody></table></div>` : ''}</article>`
}

/** Sessions by day, as bars; how many is the label. */
function bars(byDay: KnownDashboard['byDay']): string {
  if (byDay.length === 0) return ''
  const top = Math.max(1, ...byDay.map(([, sessions]) => sessions))
  const width = 100 / byDay.length
  const drawn = byDay.map(([day, sessions], index) => {
    const height = Math.round((sessions / top) * 100)
    return `<rect x="${(index * width).toFixed(2)}%" y="${100 - height}%" width="${(width * 0.8).toFixed(2)}%" height="${height}%"><title>${quoted(day)}: ${figure(sessions)}</title></rect>`
  })
  return `<p class="dim">Sessions by day; the highest is ${figure(top)}.</p><svg class="bars" role="img" aria-label="sessions by day">${drawn.join('')}</svg>`
}
