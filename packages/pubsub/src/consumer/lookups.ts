import { GroupCommit } from '@plimsoll/database'
import { type ConsumerStore, knownIds, type Lookup } from './store.ts'

/** Pages in one question: what they hold is in memory beside them. */
const mostPages = 32

/** Asks for a subscription's partitions which ids were handled: those that come while a question is under way share the next. */
export class Lookups {
  #questions: GroupCommit<Lookup, ReadonlySet<string>>

  constructor({ database, schema }: ConsumerStore) {
    this.#questions = new GroupCommit({
      commit: lookups => knownIds(database, schema, lookups),
      maxBatch: mostPages
    })
  }

  /** Rejects with what the database said. */
  ask(lookup: Lookup): Promise<ReadonlySet<string>> {
    return this.#questions.submit(lookup)
  }
}
