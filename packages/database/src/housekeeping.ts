import type { Database } from './database.ts'

export interface HousekeepingOptions {
  /** Time between rounds, in milliseconds. Default 60,000. */
  everyMs?: number
  onError?(error: unknown): void
}

/**
 * Vacuums `tables` now and then on an embedded engine, which has no autovacuum: rows that are written over and over
 * would leave their old versions behind for ever. Does nothing on a server, which sees to it by itself. Name small
 * tables only: the engine does nothing else meanwhile. Returns the way to stop.
 */
export function keepHouse(
  database: Database,
  tables: readonly string[],
  { everyMs = 60_000, onError }: HousekeepingOptions = {}
): () => void {
  if (database.engine !== 'pglite') return () => undefined
  let running = false
  const timer = setInterval(async () => {
    if (running) return
    running = true
    try {
      for (const table of tables) await database.exec(`vacuum ${table}`)
    } catch (error) {
      onError?.(error)
    } finally {
      running = false
    }
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
