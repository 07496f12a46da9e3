import { inWords } from '../diagnosis/in-words.ts'
import { faultOf, type Incident, seriesOf } from './incident.ts'
import { quantity } from './quantity.ts'

/** One line of the reckoning: what became of what was sent while it lasted. */
export interface Loss {
  kind: 'lost' | 'refused' | 'late' | 'not lost'
  text: string
}

/** A gap between two samples that is longer than this is a silence, in milliseconds. */
const silenceMs = 5_000

/**
 * What was lost while something was wrong and what was not, as far as it was recorded. Counts are sums of what was
 * measured each second; of seconds in which nothing was recorded nothing is counted.
 */
export function lossesOf(incident: Incident): Loss[] {
  const fault = faultOf(incident)
  const span: Incident = fault ? { ...incident, from: fault.since, to: Math.max(fault.until, fault.since) } : incident
  const sum = (name: string) => Math.round(seriesOf(span, name).reduce((total, { value }) => total + value, 0))
  const most = (name: string) => seriesOf(span, name).reduce((max, { value }) => Math.max(max, value), 0)
  const n = (count: number) => quantity(count, 'count')
  const losses: Loss[] = []
  const tell = (kind: Loss['kind'], count: number, text: string) => void (count > 0 && losses.push({ kind, text }))

  const accepted = sum('ingest.accepted')
  tell('not lost', accepted, `${n(accepted)} events were accepted. What was accepted is on the disk.`)
  const spooled = most('spool.events')
  tell(
    'late',
    spooled,
    `Up to ${n(spooled)} events waited on this machine’s disk for the store. They are not lost; they are counted later.`
  )
  const unknown = sum('ingest.unknown')
  tell(
    'late',
    unknown,
    `${n(unknown)} sessions were stored with enrichment “unknown”: without plan tier and region. They are filled in later, without anybody’s doing.`
  )
  const refused = sum('http.refused')
  tell(
    'refused',
    refused,
    `${n(refused)} requests were refused and told to come again (429 or 503). Who sends again loses nothing.`
  )
  const failed = sum('http.failed')
  tell(
    'refused',
    failed,
    `${n(failed)} requests failed (5xx). What they brought was not acknowledged; its sender still has it and can send it again.`
  )
  const denied = sum('http.denied')
  tell('refused', denied, `${n(denied)} requests had no valid key (401 or 403).`)
  const rejected = sum('ingest.rejected')
  tell('refused', rejected, `${n(rejected)} events were rejected as not valid; the answer said so for each of them.`)
  const silent = silenceOf(span)
  tell(
    'lost',
    silent,
    `For ${inWords(silent)} the platform recorded nothing. Whoever called it then had no answer: what was not sent again is lost.`
  )
  if (losses.length === 0)
    losses.push({ kind: 'not lost', text: 'Nothing that was recorded says that anything was lost.' })
  return losses
}

/** For how long the platform wrote nothing, in milliseconds. Before anything was written nobody knows of a silence. */
function silenceOf({ records, from, to }: Incident): number {
  const begun = records.reduce((first, { at }) => Math.min(first, at), to)
  const end = records.reduce((last, { at }) => Math.max(last, at), from)
  const heard = records
    .filter(record => record.kind === 'sample' && record.source === 'platform' && record.at >= from && record.at <= to)
    .map(({ at }) => at)
    .sort((a, b) => a - b)
  return [Math.max(from, begun), ...heard, Math.min(to, end)].reduce((total, at, index, all) => {
    const gap = index === 0 ? 0 : at - all[index - 1]!
    return gap > silenceMs ? total + gap : total
  }, 0)
}
