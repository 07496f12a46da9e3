import type { Diagnosis, Finding } from '../diagnosis/diagnosis.ts'
import { bounds } from './bounds.ts'
import { timelineHtml } from './charts-html.ts'
import { html, htmlWithCode } from './escape.ts'
import { explained } from './glossary.ts'
import type { Incident } from './incident.ts'
import { lossesOf } from './losses.ts'
import { inPercent, quantity } from './quantity.ts'
import { moment, timeOfDay } from './when.ts'

/** All that there is to say of an incident, as sections for a page that has its own head, title and glossary. */
export function sectionsHtml(incident: Incident): string {
  const { diagnosis } = incident
  return [
    `<section class="verdict ${diagnosis.state}"><p><strong>${diagnosis.state}</strong> ${htmlWithCode(diagnosis.summary)}</p><p class="dim">As of ${moment(diagnosis.at)}. ${heard(diagnosis)}</p></section>`,
    causesHtml(diagnosis),
    `<section><h2>Timeline</h2>${timelineHtml(incident)}</section>`,
    `<section><h2>What was lost, and what was not</h2><ul class="losses">${lossesOf(incident)
      .map(({ kind, text }) => `<li><span class="tag ${kind.replace(' ', '-')}">${kind}</span> ${html(text)}</li>`)
      .join('')}</ul></section>`,
    limitsHtml(diagnosis)
  ].join('\n')
}

function heard({ at, lastHeard }: Diagnosis): string {
  const of = (who: string, last: number | undefined) =>
    last === undefined ? `nothing was heard of the ${who}` : `the ${who} was last heard ${seconds(at - last)}`
  return html(`${capital(of('platform', lastHeard.platform))}; ${of('watcher', lastHeard.watcher)}.`)
}

const seconds = (ms: number) => (ms < 2_000 ? 'just then' : `${quantity(Math.round(ms / 1_000) * 1_000, 'ms')} before`)
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

export function causesHtml({ causes, state }: Diagnosis): string {
  if (causes.length === 0)
    return `<section><h2>Cause</h2><p>${state === 'healthy' ? 'Nothing is wrong.' : 'No rule knows a cause.'}</p></section>`
  const shown = causes.slice(0, bounds.causes)
  const more = causes.length - shown.length
  return `<section><h2>${causes.length === 1 ? 'Cause' : 'Causes, the first to be dealt with first'}</h2>
${shown.map(causeHtml).join('\n')}${more > 0 ? `<p class="dim">${more} more are not shown.</p>` : ''}</section>`
}

function causeHtml(cause: Finding): string {
  const { title, subject, since, until, cost, lever, symptoms } = cause
  return `<article class="cause"><h3>${htmlWithCode(title)}</h3>
<p class="dim">${html(subject)}, since <time>${moment(since)}</time>${until === undefined ? '; it goes on' : `, until <time>${timeOfDay(until)}</time>`}</p>
${evidenceHtml(cause)}
<p><b>What it costs.</b> ${htmlWithCode(cost)}</p>
<p class="lever"><b>What to do: ${html(lever.name)}.</b> ${htmlWithCode(lever.action)} <span class="dim">Explained in <code>${html(lever.page)}</code>.</span></p>
${symptoms.length > 0 ? `<p><b>What follows from it</b>, and goes when it goes:</p>${symptomsHtml(symptoms, 1)}` : ''}</article>`
}

function evidenceHtml({ evidence }: Finding): string {
  if (evidence.length === 0) return ''
  const shown = evidence.slice(0, bounds.evidence)
  const more = evidence.length - shown.length
  return `<p><b>How it is known.</b></p><ul>${shown.map(({ at, text }) => `<li><time>${timeOfDay(at)}</time> ${htmlWithCode(text)}</li>`).join('')}${more > 0 ? `<li class="dim">and ${more} more</li>` : ''}</ul>`
}

function symptomsHtml(symptoms: readonly Finding[], depth: number): string {
  const shown = symptoms.slice(0, bounds.symptoms)
  const more = symptoms.length - shown.length
  return `<ul>${shown
    .map(one => {
      const under = one.symptoms.length > 0 && depth < bounds.depth ? symptomsHtml(one.symptoms, depth + 1) : ''
      const known = one.evidence[0] ? `: <span class="dim">${htmlWithCode(one.evidence[0].text)}</span>` : ''
      return `<li>${htmlWithCode(one.title)}${known}${under}</li>`
    })
    .join('')}${more > 0 ? `<li class="dim">and ${more} more</li>` : ''}</ul>`
}

export function limitsHtml({ limits, at }: Diagnosis): string {
  const rows = limits.slice(0, bounds.limits).map(({ what, used, limit, unit, share, reachedAt }) => {
    const filled = Math.round(Math.min(1, Math.max(0, share || 0)) * 100)
    const full =
      reachedAt === undefined
        ? 'it does not move that way'
        : `in ${quantity(reachedAt - at, 'ms')}, at ${moment(reachedAt)}`
    return `<tr><th scope="row">${html(what)}</th><td><meter min="0" max="100" high="80" value="${filled}"></meter> ${inPercent(share)}</td><td>${html(quantity(used, unit))} of ${html(quantity(limit, unit))}</td><td>${html(full)}</td></tr>`
  })
  return `<section><h2>Nearest to its limit</h2>${
    rows.length === 0
      ? '<p>Nothing that has a limit was recorded.</p>'
      : `<div class="wide"><table><thead><tr><th>What</th><th>Full</th><th>How much</th><th>Gets there, at this trend</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`
  }</section>`
}

/** The words of the trade that occur in sections, explained: for the end of the page. */
export function glossaryHtml(sections: string): string {
  const terms = explained(sections.replace(/<[^>]*>/g, ' '))
  if (terms.length === 0) return ''
  return `<section><h2>The words on this page</h2><dl>${terms.map(({ term, meaning }) => `<dt>${html(term)}</dt><dd>${html(meaning)}</dd>`).join('')}</dl></section>`
}
