import type { ProcedureContext } from '@plimsoll/database'
import { moveCursor, readStep } from '@plimsoll/eventlog'
import { SketchCache } from './sketch-cache.ts'
import { applyEntries } from './store.ts'

/** The sketches of each store that is written from this thread. */
const caches = new WeakMap<ProcedureContext, SketchCache>()

/** One step of the read models, beside the engine that holds them: see `Database.call`. */
export default async function apply(context: ProcedureContext, bytes: Uint8Array): Promise<void> {
  const cache = caches.get(context) ?? new SketchCache()
  caches.set(context, cache)
  const step = readStep(bytes)
  try {
    await context.transaction(async tx => {
      await applyEntries(tx, step.entries, cache)
      await moveCursor(tx, step)
    })
  } catch (error) {
    // It may hold what was rolled back.
    cache.clear()
    throw error
  }
}
