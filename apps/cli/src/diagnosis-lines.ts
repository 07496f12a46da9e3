import { type Diagnosis, type Finding, inWords, type NearLimit } from '@plimsoll/recorder'
import { bold, dim, table } from './output.ts'

/** A diagnosis for a person at a terminal, all times in UTC. */
export function diagnosisLines(diagnosis: Diagnosis): string[] {
  const { at, state, summary, causes, limits, lastHeard, failedRules } = diagnosis
  const heard = (['platform', 'watcher'] as const).map(source => {
    const last = lastHeard[source]
    return `${source} ${last === undefined ? 'not heard' : `heard ${inWords(at - last)} before`}`
  })
  return [
    `${bold(state.toUpperCase())}  ${summary}`,
    dim(`Judged at ${momentText(at)}; ${heard.join(', ')}.`),
    ...causes.flatMap((cause, index) => ['', ...causeLines(cause, index + 1)]),
    ...(limits.length > 0 ? ['', bold('Nearest to its limit'), ...limitLines(limits, at)] : []),
    ...(failedRules ?? []).map(({ rule, message }) => dim(`The rule ${rule} failed: ${message}`))
  ]
}

const momentText = (ms: number) => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
const timeText = (ms: number) => new Date(ms).toISOString().slice(11, 19)

function causeLines(cause: Finding, number: number): string[] {
  const { title, rule, subject, evidence, cost, lever } = cause
  return [
    `${bold(`${number}. ${title}`)}  ${dim(`(${rule}: ${subject}; ${durationOf(cause)})`)}`,
    ...evidence.map((one, index) => `   ${index === 0 ? 'seen ' : '     '}  ${timeText(one.at)}  ${one.text}`),
    `   costs  ${cost}`,
    `   lever  ${bold(lever.name)}: ${lever.action}`,
    dim(`          ${lever.page}`),
    ...symptomLines(cause.symptoms, '   ')
  ]
}

function symptomLines(symptoms: readonly Finding[], indent: string): string[] {
  return symptoms.flatMap(symptom => [
    `${indent}follows from it: ${symptom.title}  ${dim(`(${symptom.rule}: ${symptom.subject}; ${durationOf(symptom)})`)}`,
    ...symptomLines(symptom.symptoms, `${indent}  `)
  ])
}

const durationOf = ({ since, until }: Finding) =>
  until === undefined ? `since ${timeText(since)}` : `${timeText(since)} to ${timeText(until)}`

function limitLines(limits: readonly NearLimit[], at: number): string[] {
  const rows = limits.map(({ what, used, limit, unit, share, reachedAt }) => [
    `   ${what}`,
    `${Math.round(share * 100)} %`,
    unit === 'share' ? '' : `${amount(used, unit)} of ${amount(limit, unit)}`,
    reachedAt === undefined ? 'no trend' : `full in ${inWords(reachedAt - at)}`
  ])
  return table(['', 'used', '', 'at this trend'], rows)
}

function amount(value: number, unit: string): string {
  if (unit === 'ms' && value >= 120_000) return inWords(value)
  if (unit !== 'bytes') return `${Number(value.toPrecision(3)).toLocaleString('en-GB')} ${unit}`
  const steps = ['bytes', 'kB', 'MB', 'GB', 'TB']
  const step = Math.min(steps.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
  return `${Number((value / 1_000 ** step).toPrecision(3))} ${steps[step]}`
}
