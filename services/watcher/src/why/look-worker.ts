import { parentPort, workerData } from 'node:worker_threads'
import { diagnose, glossaryHtml, incidentAt, readRecords, sectionsHtml, toRead } from '@plimsoll/recorder'
import type { Look } from './look.ts'

/** Reads the black box and says what it makes of it, beside the thread that answers `/health`. */

const { directory } = workerData as { directory: string }

parentPort!.on('message', (at: number) => {
  const began = performance.now()
  const { records } = readRecords(directory, toRead({ at }))
  const incident = incidentAt(records, at, (seen, moment) => diagnose(seen, { at: moment }))
  const sections = sectionsHtml(incident)
  const look: Look = {
    at,
    diagnosis: incident.diagnosis,
    sections,
    glossary: glossaryHtml(sections),
    tookMs: performance.now() - began
  }
  parentPort!.postMessage(look)
})
