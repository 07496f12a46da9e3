import type { Engine, Transaction, TransactionOptions } from './database.ts'

/** What a procedure works with: the engine it runs beside. */
export interface ProcedureContext {
  readonly engine: Engine
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
}

/**
 * The default export of a module that `Database.call` runs. With an embedded engine it runs in the engine's own thread, so
 * what it is given and what it returns travel as JSON, and nothing it keeps is shared with the caller.
 */
export type Procedure<Argument, Outcome> = (context: ProcedureContext, argument: Argument) => Promise<Outcome>
