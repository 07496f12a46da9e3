import { inWords } from '../diagnosis/in-words.ts'
import type { Occurrence } from '../record.ts'
import type { Mark } from './incident.ts'
import { timeOfDay } from './when.ts'

type Words = (subject: string, detail: NonNullable<Occurrence['detail']>, who: string) => string

const because = (why: unknown) => (why === undefined || why === null || why === '' ? '' : `: ${why}`)

const table: Readonly<Record<string, Words>> = {
  start: (_, { version }, who) => `${who} was started${version === undefined ? '' : ` (version ${version})`}`,
  ready: (_, { after }) => `the platform was ready${typeof after === 'number' ? ` after ${inWords(after)}` : ''}`,
  configuration: (subject, { key, from, to }) =>
    `setting ${key ?? subject} changed${from === undefined && to === undefined ? '' : ` from ${said(from)} to ${said(to)}`}`,
  version: (_, { from, to }) => `another version runs: ${said(from)} before, ${said(to)} now`,
  'refused-to-start': (_, { why }) => `the platform refused to start${because(why)}`,
  exit(_, detail) {
    const how = detail.signal ? `by ${detail.signal}` : `with code ${said(detail.code)}`
    const up = typeof detail.uptime === 'number' ? ` after ${inWords(detail.uptime)}` : ''
    return `the platform ended ${how}${up}${detail['killed-for-memory'] === true ? ', killed for its memory' : ''}`
  },
  signal: (subject, { which }, who) => `${who} was sent ${which ?? subject}`,
  close: (_, { why }, who) => `${who} closed${because(why)}`,
  breaker: (subject, { from, to, why }) => `circuit breaker of ${subject}: ${said(from)} → ${said(to)}${because(why)}`,
  'busiest-project': (subject, { share }) =>
    `${subject} is the busiest project${typeof share === 'number' ? `, ${Math.round(share * 100)} % of what was offered` : ''}`,
  store: (subject, { state, up, why }) =>
    `store ${subject}: ${state ?? (up === true ? 'up' : up === false ? 'away' : 'changed')}${because(why)}`,
  broker: (subject, { state, why }) => `broker ${subject}: ${said(state)}${because(why)}`,
  subscriber: (subject, { state, why }) => `subscriber ${subject}: ${said(state)}${because(why)}`,
  error: (subject, { code, message }) =>
    `error in ${subject}${code === undefined ? '' : ` (${code})`}${because(message)}`
}

/** What happened, in a sentence without its time. */
export function occurrenceWords({ name, source, subject = '', detail = {} }: Occurrence): string {
  const words = table[name]
  if (words && Object.hasOwn(table, name)) return words(subject, detail, `the ${source}`)
  const rest = Object.entries(detail)
    .slice(0, 6)
    .map(([key, value]) => `${key} ${said(value)}`)
  return [name, subject, rest.join(', ')].filter(part => part !== '').join(' ')
}

/** The same of a line of the timeline, which may have happened more than once. */
export function markWords({ times, until, happened }: Mark): string {
  const words = 'rule' in happened ? `cause: ${happened.title}` : occurrenceWords(happened)
  return `${words}${times > 1 ? `, ${times} times` : ''}${until === undefined ? '' : `, until ${timeOfDay(until)}`}`
}

const said = (value: unknown) => (value === undefined || value === null ? 'nothing' : String(value))
