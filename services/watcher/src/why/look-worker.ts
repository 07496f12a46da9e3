import { parentPort, workerData } from 'node:worker_threads'
import { diagnose, glossaryHtml, type Incident, incidentAt, sectionsHtml, toRead } from '@plimsoll/recorder'
import type { Look } from './look.ts'
import { RecentRecords } from './recent-records.ts'

/** Reads the black box and says what it makes of it, beside the thread that answers `/health`. */

const { directory } = workerData as { directory: string }
const recent = new RecentRecords(directory)

parentPort!.on('message', ({ at, page }: { at: number; page: boolean }) => {
  const began = performance.now()
  const records = recent.read(toRead({ at }))
  const incident = incidentAt(records, at, (seen, moment) => diagnose(seen, { at: moment }))
  const look: Look = { at, diagnosis: incident.diagnosis, ...(page && { page: drawn(incident) }), tookMs: 0 }
  parentPort!.postMessage({ ...look, tookMs: performance.now() - began })
})

function drawn(incident: Incident): NonNullable<Look['page']> {
  const sections = sectionsHtml(incident)
  return { sections, glossary: glossaryHtml(sections) }
}
