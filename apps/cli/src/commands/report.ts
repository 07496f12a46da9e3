import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  type BlackBoxRecord,
  diagnose,
  type Incident,
  incidentAt,
  incidentBetween,
  machineClock,
  readRecords,
  reportHtml,
  reportMarkdown,
  type Silence,
  silenceAt,
  titleOf,
  toRead,
  unaskedEnd,
  withPast
} from '@plimsoll/recorder'
import { readIncidents } from '@plimsoll/service-watcher'
import { CommandError } from '../exit-codes.ts'
import { momentOf } from '../moment.ts'
import { print } from '../output.ts'

interface ReportOptions {
  data: string
  at?: string
  from?: string
  to?: string
  out: string
  json: boolean
}

type Asked = { at: number } | { from: number; to: number }

/** What is reported, and that nothing has been recorded since, where that is so. */
interface Chosen {
  asked: Asked
  silence?: Silence | undefined
}

const longestMs = 24 * 3_600_000
/** What is shown before and after an incident that the watcher noted, in milliseconds. */
const marginMs = 5 * 60_000

/** `plimsoll report`: writes an incident as Markdown and as one HTML file. It needs the files of the black box and nothing that runs. */
export async function report({ json, ...options }: ReportOptions): Promise<void> {
  const { title, ...told } = writeReport(options)
  print(json, told, () => [title, `  ${told.files.markdown}`, `  ${told.files.html}`])
}

/**
 * @param now milliseconds since 1970
 * @throws CommandError when there is nothing to report from, or the time is none
 */
export function writeReport({ data, out, ...times }: Omit<ReportOptions, 'json'>, now = Date.now()) {
  const directory = resolve(data, 'recorder')
  const { lastAt } = readRecords(directory, { from: Number.POSITIVE_INFINITY })
  if (lastAt === undefined)
    throw new CommandError(`nothing was recorded in ${directory}; name the data folder of a platform with --data`)
  const given = askedFor(times, now)
  const chosen = given ? heardBefore(directory, given, now) : latest(data, lastAt, now)
  const { asked } = chosen
  const { records, skipped } = recordsFor(directory, asked)
  for (const { file, why } of skipped) process.stderr.write(`left out ${file}: ${why}\n`)
  const incident = gather(records, chosen)
  const name = `incident-${new Date('at' in asked ? asked.at : asked.from).toISOString().slice(0, 19).replaceAll(':', '-')}Z`
  mkdirSync(out, { recursive: true })
  const files = { markdown: join(out, `${name}.md`), html: join(out, `${name}.html`) }
  writeFileSync(files.markdown, reportMarkdown(incident))
  writeFileSync(files.html, reportHtml(incident))
  const { state, summary, causes } = incident.diagnosis
  return {
    title: titleOf(incident),
    from: new Date(incident.from).toISOString(),
    to: new Date(incident.to).toISOString(),
    state,
    summary,
    causes: causes.map(({ rule, subject, title }) => ({ rule, subject, title })),
    records: records.length,
    files
  }
}

function recordsFor(directory: string, asked: Asked) {
  const { records: read, skipped } = readRecords(directory, toRead(asked))
  const records = 'at' in asked ? withPast(read, asked.at, span => readRecords(directory, span).records) : read
  return { records, skipped }
}

function gather(records: readonly BlackBoxRecord[], { asked, silence }: Chosen): Incident {
  const judge = (seen: readonly BlackBoxRecord[], at: number) => {
    if (silence?.at === at) return diagnose(seen, silence)
    // Within a stretch of time too a moment in which nothing ran is told by what was before it.
    const last = seen.at(-1)
    const within = last && silenceAt({ lastUntil: { at: last.at, boot: '' } }, at, { boot: '' })
    return diagnose(seen, within ?? { at })
  }
  return 'at' in asked ? incidentAt(records, asked.at, judge) : incidentBetween(records, asked, judge)
}

function askedFor({ at, from, to }: Pick<ReportOptions, 'at' | 'from' | 'to'>, now: number): Asked | undefined {
  if (at !== undefined) {
    if (from !== undefined || to !== undefined) throw new CommandError('give --at, or --from and --to')
    return { at: momentOf('--at', at, now) }
  }
  if (from === undefined && to === undefined) return undefined
  if (from === undefined || to === undefined) throw new CommandError('--from and --to go together')
  const span = { from: momentOf('--from', from, now), to: momentOf('--to', to, now) }
  if (span.to <= span.from) throw new CommandError('--to must be later than --from')
  if (span.to - span.from > longestMs) throw new CommandError('a report covers 24 hours at most')
  return span
}

/** Of a moment in which nothing was recorded what was recorded last before it is told, as `plimsoll why` does. */
function heardBefore(directory: string, asked: Asked, now: number): Chosen {
  if (!('at' in asked)) return { asked }
  const at = Math.min(asked.at, now)
  const silence = silenceBefore(directory, at)
  return { asked: { at: silence?.at ?? at }, silence }
}

const silenceBefore = (directory: string, at: number) =>
  silenceAt(readRecords(directory, { from: at, to: at }), at, machineClock)

/** What there is to report when nobody says of when: the last incident, or an end of all that nobody was left to note. */
function latest(data: string, lastAt: number, now: number): Chosen {
  const directory = resolve(data, 'recorder')
  const silence = silenceBefore(directory, now)
  const last: Chosen = { asked: { at: silence?.at ?? lastAt }, silence }
  const noted = lastIncident(data, lastAt)
  if (!noted) return last
  const end = unaskedEnd(gather(recordsFor(directory, last.asked).records, last).diagnosis)
  // Where nothing runs now, that is what must be dealt with, whatever came before it.
  return end && (silence || noted.to < end.at) ? last : { asked: noted }
}

/** The incident that goes on, or the last that is over, as the watcher noted them. */
function lastIncident(data: string, lastAt: number): { from: number; to: number } | undefined {
  const { open, past } = readIncidents(join(data, 'incidents.json'))
  const last = open ?? past.at(0)
  if (!last) return undefined
  const to = Math.min(lastAt, (last.closedAt ?? lastAt) + marginMs)
  return { from: Math.max(last.since - marginMs, to - longestMs), to }
}
