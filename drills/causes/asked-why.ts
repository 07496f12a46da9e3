import { join } from 'node:path'
import { type Diagnosis, type Finding, type Incident, incidentAt, readRecords, why } from '@plimsoll/recorder'

/** What `plimsoll why` says of a data folder, now: read from the files alone, whatever runs. */
export const askWhy = (data: string): Diagnosis => why(join(data, 'recorder')).diagnosis

/** The same with what was recorded around it, for a report. */
export function incidentOf(data: string, diagnosis: Diagnosis): Incident {
  const { at } = diagnosis
  const { records } = readRecords(join(data, 'recorder'), { from: at - 120_000, to: at })
  return incidentAt(records, at, () => diagnosis)
}

/** What is to be named: a rule, and whom it is about where there could be several. */
export interface Cause {
  rule: string
  subject?: string
}

export const isOf = ({ rule, subject }: Cause, finding: Finding): boolean =>
  finding.rule === rule && (subject === undefined || finding.subject === subject)

/** Causes and what follows from each, in the order in which a reader meets them. */
export const inOrder = (findings: readonly Finding[]): Finding[] =>
  findings.flatMap(finding => [finding, ...inOrder(finding.symptoms)])

/** Of causes that go on: 1 is the first. 0 when it is none of them. */
export const placeOf = (cause: Cause, { causes }: Diagnosis): number => causes.findIndex(one => isOf(cause, one)) + 1

export const namesOf = ({ causes }: Diagnosis): string[] =>
  causes.map(
    ({ rule, subject, until, symptoms }) =>
      `${rule} (${subject})${until === undefined ? '' : ', over'}${symptoms.length === 0 ? '' : ` → ${symptoms.map(one => one.rule).join(', ')}`}`
  )
