import type { ProcedureContext, Transaction } from '@plimsoll/database'
import { moveCursor, type ReadStep, readStep } from '@plimsoll/eventlog'
import { applyEntries, type Cost } from './apply.ts'
import { type Part, partOf } from './parts.ts'
import { countParts, rebuildCursor, swap } from './rebuild.ts'
import { type Begun, type PieceDone, refreshPiece } from './refresh.ts'
import { buildingOf, readRegistry, runningOf, whileNothingIsSwapped } from './registry.ts'
import { SketchCache } from './sketch-cache.ts'
import type { View } from './view.ts'

/** What one step came to. */
export interface StepDone {
  entries: number
  costs: Cost[]
  /** True when a rebuild has put its views in place with this step. */
  swapped: boolean
}

/** One piece of the refresh of a periodic view. */
export interface RefreshOrder {
  refresh: string
  /** Everything recorded before this moment was in the read models when the order was given, in milliseconds. */
  asOf: number
}

/** What one thread remembers of one store. Nothing of it is needed for correctness. */
interface Memory {
  cache: SketchCache
  refreshes: Map<string, Begun>
}

/**
 * All that changes these views, beside the engine that holds them (see `Database.call`): a step of the log, as the bytes that
 * a projection makes, or an order to refresh. A step of the cursor `analytics/next` builds what is not live yet.
 */
export function viewsProcedure(declared: readonly View[]) {
  const memories = new WeakMap<ProcedureContext, Memory>()
  return async (context: ProcedureContext, argument: Uint8Array | RefreshOrder): Promise<StepDone | PieceDone> => {
    const memory = memories.get(context) ?? { cache: new SketchCache(), refreshes: new Map() }
    memories.set(context, memory)
    try {
      if (!(argument instanceof Uint8Array)) {
        return await context.transaction(tx => refreshPiece(tx, declared, argument, memory.refreshes))
      }
      const step = readStep(argument)
      if (step.name === rebuildCursor) return await build(context, declared, step, memory)
      return await context.transaction(tx => follow(tx, declared, step, memory))
    } catch (error) {
      // They may hold what was rolled back.
      memory.cache.clear()
      memory.refreshes.clear()
      throw error
    }
  }
}

async function follow(
  tx: Transaction,
  declared: readonly View[],
  step: ReadStep,
  { cache }: Memory
): Promise<StepDone> {
  await whileNothingIsSwapped(tx)
  const part = partOf(step.name)
  const running = runningOf(declared, await readRegistry(tx))
  const costs = await applyEntries(tx, step.entries, running, { suffix: '', part: part.index, cache }, part)
  await moveCursor(tx, step)
  return { entries: step.entries.length, costs, swapped: false }
}

async function build(
  context: ProcedureContext,
  declared: readonly View[],
  step: ReadStep,
  { cache }: Memory
): Promise<StepDone> {
  const costs = await context.transaction(async tx => {
    const building = buildingOf(declared, await readRegistry(tx))
    const running = building.map(view => ({ view, through: { xid: '0', position: 0 } }))
    const of = await countParts(tx)
    const parts = Array.from({ length: of }, (_, index): Part => ({ index, of }))
    const spent: Cost[] = []
    for (const part of parts) {
      spent.push(...(await applyEntries(tx, step.entries, running, { suffix: '_next', part: part.index, cache }, part)))
    }
    for (const { refresh } of building) {
      if (refresh.mode !== 'periodic') continue
      const memory = new Map<string, unknown>()
      while ((await refresh.run(tx, '_next', memory)).more);
    }
    await moveCursor(tx, step)
    return spent
  })
  // A transaction of its own: it waits for the steps of others, which may wait for a name of a feature that this one met.
  const swapped = await context.transaction(tx => swap(tx, declared))
  return { entries: step.entries.length, costs, swapped }
}
