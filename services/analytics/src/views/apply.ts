import type { Transaction } from '@plimsoll/database'
import type { LogEntry } from '@plimsoll/eventlog'
import { type Fact, factsOf } from './fact.ts'
import { nameFeatures } from './feature-names.ts'
import { isOfPart, type Part } from './parts.ts'
import { type Running, reaches } from './registry.ts'
import type { Target } from './view.ts'

/** What a view's part of a step cost: time beside the engine, and rows written. */
export interface Cost {
  view: string
  ms: number
  rows: number
}

/** Adds entries to the views, in the transaction that moves the cursor. */
export async function applyEntries(
  tx: Transaction,
  entries: readonly LogEntry[],
  running: readonly Running[],
  target: Target,
  part: Part = { index: 0, of: 1 }
): Promise<Cost[]> {
  const mine = part.of === 1 ? entries : entries.filter(entry => isOfPart(entry, part))
  const facts = factsOf(mine, await nameFeatures(tx, mine))
  const costs: Cost[] = []
  for (const { view, through } of running) {
    const startedAt = performance.now()
    const rows = await view.apply(tx, factsAfter(facts, through), target)
    costs.push({ view: view.name, ms: performance.now() - startedAt, rows })
  }
  return costs
}

/** A view that was built further than the step's cursor has the first of these already. */
function factsAfter(facts: readonly Fact[], through: { xid: string; position: number }): readonly Fact[] {
  const [first] = facts
  return first === undefined || !reaches(through, first) ? facts : facts.filter(fact => !reaches(through, fact))
}
