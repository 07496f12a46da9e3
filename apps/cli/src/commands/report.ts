import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  type BlackBoxRecord,
  diagnose,
  type Incident,
  incidentAt,
  incidentBetween,
  readRecords,
  reportHtml,
  reportMarkdown,
  titleOf,
  toRead,
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

const longestMs = 24 * 3_600_000
/** What is shown before and after an incident that the watcher noted, in milliseconds. */
const marginMs = 5 * 60_000

/** `plimsoll report`: writes an incident as Markdown and as one HTML file. It needs the files of the black box and nothing that runs. */
export async function report({ json, ...options }: ReportOptions): Promise<void> {
  const { title, ...told } = writeReport(options)
  print(json, told, () => [title, `  ${told.files.markdown}`, `  ${told.files.html}`])
}

/** @throws CommandError when there is nothing to report from, or the time is none */
export function writeReport({ data, out, ...times }: Omit<ReportOptions, 'json'>) {
  const directory = resolve(data, 'recorder')
  const { lastAt } = readRecords(directory, { from: Number.POSITIVE_INFINITY })
  if (lastAt === undefined)
    throw new CommandError(`nothing was recorded in ${directory}; name the data folder of a platform with --data`)
  const asked = askedFor(times) ?? lastIncident(data, lastAt) ?? { at: lastAt }
  const { records: read, skipped } = readRecords(directory, toRead(asked))
  const records = 'at' in asked ? withPast(read, asked.at, span => readRecords(directory, span).records) : read
  for (const { file, why } of skipped) process.stderr.write(`left out ${file}: ${why}\n`)
  const incident = gather(records, asked)
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

function gather(records: readonly BlackBoxRecord[], asked: Asked): Incident {
  const judge = (seen: readonly BlackBoxRecord[], at: number) => diagnose(seen, { at })
  return 'at' in asked ? incidentAt(records, asked.at, judge) : incidentBetween(records, asked, judge)
}

function askedFor({ at, from, to }: Pick<ReportOptions, 'at' | 'from' | 'to'>): Asked | undefined {
  if (at !== undefined) {
    if (from !== undefined || to !== undefined) throw new CommandError('give --at, or --from and --to')
    return { at: momentOf('--at', at) }
  }
  if (from === undefined && to === undefined) return undefined
  if (from === undefined || to === undefined) throw new CommandError('--from and --to go together')
  const span = { from: momentOf('--from', from), to: momentOf('--to', to) }
  if (span.to <= span.from) throw new CommandError('--to must be later than --from')
  if (span.to - span.from > longestMs) throw new CommandError('a report covers 24 hours at most')
  return span
}

/** The incident that goes on, or the last that is over, as the watcher noted them. */
function lastIncident(data: string, lastAt: number): Asked | undefined {
  const { open, past } = readIncidents(join(data, 'incidents.json'))
  const last = open ?? past.at(0)
  if (!last) return undefined
  const to = Math.min(lastAt, (last.closedAt ?? lastAt) + marginMs)
  return { from: Math.max(last.since - marginMs, to - longestMs), to }
}
