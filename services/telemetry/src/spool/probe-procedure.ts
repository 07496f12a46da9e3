import type { ProcedureContext } from '@plimsoll/database'
import { writeBatch } from '../store.ts'
import type { EventsWork } from './record.ts'

/** Ends a transaction that was only a try. */
class Undone extends Error {}

/** Rejects with what the store has against this work. Writes nothing, whatever comes of it. */
export default async function probe(context: ProcedureContext, work: EventsWork): Promise<void> {
  try {
    await context.transaction(async tx => {
      await writeBatch(tx, [work])
      throw new Undone()
    })
  } catch (error) {
    if (!(error instanceof Undone)) throw error
  }
}
