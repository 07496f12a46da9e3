import type { Transaction } from '@plimsoll/database'
import type { Fact } from './fact.ts'
import type { SketchCache } from './sketch-cache.ts'

/** Where a view writes: its live tables, or those that are being built beside them. */
export interface Target {
  /** Behind the name of each table: nothing, or `_next`. */
  suffix: '' | '_next'
  /** Which of the writers this is. Each has rows of its own, and readers add them up. */
  part: number
  cache: SketchCache
}

/**
 * How a view comes to be as new as the log. `on-event`: in the transaction of the step, batch by batch. `periodic`: a step
 * writes down cheaply what has happened, and now and then that is folded into the view, only where something changed.
 */
export type Refresh = { mode: 'on-event' } | { mode: 'periodic'; everyMs: number; run: RefreshRun }

export interface RefreshDone {
  /** True when there is more of this refresh to do; each call is a transaction of its own, so that readers need not wait. */
  more: boolean
  rows: number
}

/** One piece of a refresh. `memory` is kept between the pieces of one refresh, and may be lost. */
export type RefreshRun = (
  tx: Transaction,
  suffix: Target['suffix'],
  memory: Map<string, unknown>
) => Promise<RefreshDone>

export interface Table {
  /** Without its schema, `analytics`. */
  name: string
  /** What stands between the brackets of its `create table`. */
  columns: string
}

/** A read model: a name, a version, a key, and how the log is folded into it. */
export interface View {
  name: string
  /** Raise it when the key, the columns or the fold change: the new one is built from the log and takes the old one's place. */
  version: number
  /** The columns by which its rows are told apart. */
  key: readonly string[]
  refresh: Refresh
  tables: readonly Table[]
  /** Adds facts, in the transaction that moves the cursor. Returns how many rows it wrote. */
  apply(tx: Transaction, facts: readonly Fact[], target: Target): Promise<number>
  /** The declaration before this one: kept, it goes on with the live rows while the new ones are built. */
  former?: View
}

export const tableName = (name: string, suffix: Target['suffix'] = '') => `analytics.${name}${suffix}`
