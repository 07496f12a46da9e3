import type { Finding } from '../diagnosis/diagnosis.ts'
import { inWords } from '../diagnosis/in-words.ts'
import { bounds } from './bounds.ts'
import { markdown, markdownWithCode } from './escape.ts'
import { explained } from './glossary.ts'
import { titleOf } from './html.ts'
import { faultOf, type Incident, marksOf, seriesToDraw } from './incident.ts'
import { lossesOf } from './losses.ts'
import { markWords } from './occurrence-words.ts'
import { inPercent, quantity } from './quantity.ts'
import { seriesWords } from './series-words.ts'
import { moment, timeOfDay } from './when.ts'

/** The incident as Markdown, for the post-mortem: the same as the page, with figures in place of the drawing. */
export function reportMarkdown(incident: Incident): string {
  const { diagnosis } = incident
  const fault = faultOf(incident)
  const told = [
    `# ${markdown(titleOf(incident))}`,
    `**${diagnosis.state}** as of ${moment(diagnosis.at)}. ${markdownWithCode(diagnosis.summary)}`,
    ...(fault ? [`From ${moment(fault.since)} to ${moment(fault.until)}, ${inWords(fault.until - fault.since)}.`] : []),
    ...causes(incident),
    ...timeline(incident),
    '## What was lost, and what was not',
    lossesOf(incident)
      .map(({ kind, text }) => `- **${kind}**: ${markdown(text)}`)
      .join('\n'),
    ...limits(incident)
  ].join('\n\n')
  const words = explained(told).map(({ term, meaning }) => `- **${markdown(term)}**: ${markdown(meaning)}`)
  return `${told}\n${words.length > 0 ? `\n## The words on this page\n\n${words.join('\n')}\n` : ''}`
}

function causes({ diagnosis }: Incident): string[] {
  if (diagnosis.causes.length === 0)
    return ['## Cause', diagnosis.state === 'healthy' ? 'Nothing is wrong.' : 'No rule knows a cause.']
  const shown = diagnosis.causes.slice(0, bounds.causes)
  const more = diagnosis.causes.length - shown.length
  return [
    shown.length === 1 ? '## Cause' : '## Causes, the first to be dealt with first',
    ...shown.flatMap(cause),
    ...(more > 0 ? [`${more} more are not shown.`] : [])
  ]
}

function cause({ title, subject, since, until, evidence, cost, lever, symptoms }: Finding): string[] {
  const shown = evidence.slice(0, bounds.evidence)
  const more = evidence.length - shown.length
  return [
    `### ${markdownWithCode(title)}`,
    `${markdown(subject)}, since ${moment(since)}${until === undefined ? '; it goes on' : `, until ${timeOfDay(until)}`}.`,
    ...(shown.length > 0
      ? [
          'How it is known:',
          [
            ...shown.map(({ at, text }) => `- ${timeOfDay(at)} ${markdownWithCode(text)}`),
            ...(more > 0 ? [`- and ${more} more`] : [])
          ].join('\n')
        ]
      : []),
    `**What it costs.** ${markdownWithCode(cost)}`,
    `**What to do: ${markdown(lever.name)}.** ${markdownWithCode(lever.action)} Explained in \`${lever.page.replace(/[^\w./#-]/g, '')}\`.`,
    ...(symptoms.length > 0 ? ['What follows from it, and goes when it goes:', symptomList(symptoms, 1)] : [])
  ]
}

function symptomList(symptoms: readonly Finding[], depth: number): string {
  const indent = '  '.repeat(depth - 1)
  const shown = symptoms.slice(0, bounds.symptoms)
  const more = symptoms.length - shown.length
  return [
    ...shown.flatMap(one => [
      `${indent}- ${markdownWithCode(one.title)}${one.evidence[0] ? `: ${markdownWithCode(one.evidence[0].text)}` : ''}`,
      ...(one.symptoms.length > 0 && depth < bounds.depth ? [symptomList(one.symptoms, depth + 1)] : [])
    ]),
    ...(more > 0 ? [`${indent}- and ${more} more`] : [])
  ].join('\n')
}

function timeline(incident: Incident): string[] {
  const { from, to } = incident
  const fault = faultOf(incident)
  const { shown, leftOut } = marksOf(incident)
  const rows = seriesToDraw(incident).map(({ name, points }) => {
    const { label, unit, states } = seriesWords(name)
    const said = (value: number | undefined) => (value === undefined ? '–' : (states?.[value] ?? quantity(value, unit)))
    const within = points.filter(({ at }) => fault && at >= fault.since && at <= fault.until).map(({ value }) => value)
    const before = median(points.filter(({ at }) => !fault || at < fault.since).map(({ value }) => value))
    return `| ${markdown(label)} | ${markdown(said(before))} | ${markdown(said(farthest(within, before)))} | ${markdown(said(points.at(-1)?.value))} |`
  })
  return [
    '## Timeline',
    `From ${moment(from)} to ${moment(to)}.`,
    ...(rows.length > 0
      ? [
          [
            '| measured | before (in the middle) | farthest from it | last |',
            '| --- | --- | --- | --- |',
            ...rows
          ].join('\n')
        ]
      : []),
    shown.length > 0
      ? shown.map(one => `- ${timeOfDay(one.at)} ${markdown(markWords(one))}`).join('\n')
      : 'Nothing that has a moment was recorded.',
    ...(leftOut > 0 ? [`${leftOut} more, farther from the beginning of the first cause, are not shown.`] : [])
  ]
}

/** What was the farthest from before, to either side; the highest where nothing was before. */
function farthest(values: readonly number[], before = 0): number | undefined {
  return values.reduce<number | undefined>(
    (most, value) => (most === undefined || Math.abs(value - before) > Math.abs(most - before) ? value : most),
    undefined
  )
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}

function limits({ diagnosis }: Incident): string[] {
  const rows = diagnosis.limits.slice(0, bounds.limits).map(({ what, used, limit, unit, share, reachedAt }) => {
    const full = reachedAt === undefined ? 'it does not move that way' : `${moment(reachedAt)}`
    return `| ${markdown(what)} | ${inPercent(share)} | ${markdown(quantity(used, unit))} of ${markdown(quantity(limit, unit))} | ${full} |`
  })
  return [
    '## Nearest to its limit',
    rows.length === 0
      ? 'Nothing that has a limit was recorded.'
      : ['| what | full | how much | gets there, at this trend |', '| --- | --- | --- | --- |', ...rows].join('\n')
  ]
}
