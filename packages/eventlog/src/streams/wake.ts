import type { Database } from '@plimsoll/database'

/** Told of commits to the stores of this process, by database and schema: who waits for news need not poll for it. */
const waiting = new WeakMap<Database, Map<string, Set<() => void>>>()

/** The commit channel of a store, for appends in a caller's own transaction. */
export const channelOf = (schema: string) => `eventstore:${schema}`

/** After a commit that did not go through `Database.transaction`. */
export function wake(database: Database, schema: string): void {
  for (const listener of waiting.get(database)?.get(schema) ?? []) listener()
}

/** Calls `listener` after each append of this process. Returns the way to stop. */
export function onAppend(database: Database, schema: string, listener: () => void): () => void {
  const bySchema = waiting.get(database) ?? new Map<string, Set<() => void>>()
  waiting.set(database, bySchema)
  const listeners = bySchema.get(schema) ?? new Set()
  bySchema.set(schema, listeners.add(listener))
  const stopListening = database.listen(channelOf(schema), listener)
  return () => {
    listeners.delete(listener)
    stopListening()
  }
}
