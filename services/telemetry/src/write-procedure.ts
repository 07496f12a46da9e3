import type { ProcedureContext } from '@plimsoll/database'
import type { Outcome, Work } from './ingest/work.ts'
import { writeBatch } from './store.ts'

/** One batch, one transaction, beside the engine: see `Database.call`. */
export default function write(context: ProcedureContext, work: readonly Work[]): Promise<Outcome[]> {
  return context.transaction(tx => writeBatch(tx, work))
}
