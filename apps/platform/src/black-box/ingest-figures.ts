import type { Telemetry } from '@plimsoll/service-telemetry'
import type { BlackBox } from './black-box.ts'

/** Below so many events in a second it means nothing whose they are. */
const fewEvents = 50
/** A project of this share or more is told by name: when it becomes that one, and again after so long. */
const largeShare = 0.6
const toldEveryMs = 60_000

/** Watches ingest and the spool as `ingest.*` and `spool.*`. */
export function watchIngest({ ingest }: Telemetry, spoolBytes: number, blackBox: BlackBox): void {
  let told: { project: string; at: number } | undefined
  blackBox.add(() => {
    const { offered, busiest, turnedAway, spoolFailed, ...counts } = ingest.counts.take()
    const figures: Record<string, number> = { 'ingest.pending': ingest.pending }
    for (const [name, count] of Object.entries(counts)) figures[`ingest.${name}`] = count
    if (busiest && offered >= fewEvents) {
      figures['ingest.busiest'] = busiest.share
    }
    // What was turned away is in no other count, and a flood is mostly that.
    if (turnedAway) figures['ingest.turned-away'] = turnedAway.share
    const large = turnedAway ?? (offered >= fewEvents ? busiest : undefined)
    if (large && large.share >= largeShare) {
      const now = performance.now()
      if (told?.project !== large.project || now - told.at >= toldEveryMs) {
        told = { project: large.project, at: now }
        blackBox.happened('busiest-project', { subject: large.project, detail: { share: large.share } })
      }
    }
    const spool = ingest.spool?.snapshot()
    if (spool) {
      figures['spool.events'] = spool.events
      figures['spool.bytes'] = spool.bytes
      figures['spool.limit'] = spoolBytes
      figures['spool.age'] = spool.oldestAgeMs ?? 0
      figures['spool.away'] = spool.away ? 1 : 0
      figures['spool.failed'] = spoolFailed
    }
    return figures
  })
}
