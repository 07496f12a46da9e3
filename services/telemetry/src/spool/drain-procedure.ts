import type { ProcedureContext } from '@plimsoll/database'
import { writeBatch } from '../store.ts'
import { lockCursor, moveCursor } from './cursor.ts'
import type { EventsWork } from './record.ts'

/** Some records of a spool, in order. */
export interface DrainPage {
  spool: string
  records: { sequence: number; work: EventsWork }[]
}

/** An event that was acknowledged and cannot be counted: another one with its id, say, was there first. */
export interface RefusedEvent {
  project: string
  id: string
  outcome: string
}

/**
 * One page, one transaction: the cursor, the events and the books move together, so that what is sent again after a crash
 * between the commit and the release is passed over.
 */
export default function drain(context: ProcedureContext, { spool, records }: DrainPage): Promise<RefusedEvent[]> {
  return context.transaction(async tx => {
    const cursor = await lockCursor(tx, spool)
    const work = records.filter(({ sequence }) => sequence > cursor).map(record => record.work)
    if (work.length === 0) return []
    const outcomes = await writeBatch(tx, work)
    await moveCursor(tx, spool, records.at(-1)!.sequence)
    const refused: RefusedEvent[] = []
    for (const [index, { project, events }] of work.entries()) {
      const outcome = outcomes[index]!
      if (outcome.kind !== 'events') continue
      for (const [place, { id }] of events.entries()) {
        const what = outcome.outcomes[place]!
        if (what !== 'accepted' && what !== 'duplicate') refused.push({ project, id, outcome: what })
      }
    }
    return refused
  })
}
