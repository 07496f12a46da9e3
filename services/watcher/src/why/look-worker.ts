import { parentPort, workerData } from 'node:worker_threads'
import {
  type BlackBoxRecord,
  diagnose,
  glossaryHtml,
  type Incident,
  incidentAt,
  readRecords,
  sectionsHtml,
  toRead,
  withPast
} from '@plimsoll/recorder'
import type { Look } from './look.ts'
import { RecentRecords } from './recent-records.ts'

/** Reads the black box and says what it makes of it, beside the thread that answers `/health`. */

const { directory } = workerData as { directory: string }
const recent = new RecentRecords(directory)
/** What was before the trouble that goes on: read once for each note of it. */
let past: { from: number; to: number; records: readonly BlackBoxRecord[] } | undefined

function readPast(span: { from: number; to: number }): readonly BlackBoxRecord[] {
  if (past?.from !== span.from || past.to !== span.to) past = { ...span, records: readRecords(directory, span).records }
  return past.records
}

parentPort!.on('message', ({ at, page }: { at: number; page: boolean }) => {
  const began = performance.now()
  const records = withPast(recent.read(toRead({ at })), at, readPast)
  const incident = incidentAt(records, at, (seen, moment) => diagnose(seen, { at: moment }))
  const look: Look = { at, diagnosis: incident.diagnosis, ...(page && { page: drawn(incident) }), tookMs: 0 }
  parentPort!.postMessage({ ...look, tookMs: performance.now() - began })
})

function drawn(incident: Incident): NonNullable<Look['page']> {
  const sections = sectionsHtml(incident)
  return { sections, glossary: glossaryHtml(sections) }
}
