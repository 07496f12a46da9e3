import { createHash } from 'node:crypto'
import { type Cursor, isAfter, type LogEntry } from '@plimsoll/eventlog'
import { amountOf, correctionOf, inOrder, type LedgerEntry, lineOf } from './entry.ts'
import { readable } from './sessions.ts'

/** What somebody decided, which no log can know: that a month was invoiced, when, where in the log, and at which price. */
export type Decision = Pick<LedgerEntry, 'project' | 'month' | 'xid' | 'position' | 'unitPrice' | 'currency' | 'at'>

export interface Books {
  /** Counts of months: `[project, month, sessions]`. */
  usage: (readonly [string, string, number])[]
  ledger: LedgerEntry[]
}

/** The books made again: from zero, by the log and the decisions alone. Knows nothing of a store. */
export class Replay {
  readonly #counts = new Map<string, Map<string, number>>()
  readonly #ledger: LedgerEntry[] = []
  readonly #decisions: Decision[]
  readonly #invoiced = new Map<string, Decision>()
  entries = 0

  constructor(decisions: readonly Decision[]) {
    this.#decisions = decisions.toSorted((a, b) => (isAfter(a, b) ? 1 : isAfter(b, a) ? -1 : 0))
  }

  take(entry: LogEntry): void {
    this.#decideBefore(entry)
    const changes = readable(entry)
    if (changes === undefined) return
    this.entries++
    for (const change of changes) {
      const { month, sessions } = change
      const { tenant: project } = entry
      const months = this.#counts.get(project) ?? new Map<string, number>()
      this.#counts.set(project, months)
      months.set(month, (months.get(month) ?? 0) + sessions)
      const invoice = this.#invoiced.get(`${project} ${month}`)
      if (invoice) this.#ledger.push(correctionOf(entry, change, invoice))
    }
  }

  /** What it came to, with what was decided behind the last entry. */
  books(): Books {
    this.#decideBefore(undefined)
    const usage = [...this.#counts].flatMap(([project, months]) =>
      [...months].map(([month, sessions]) => [project, month, sessions] as const)
    )
    return { usage, ledger: this.#ledger }
  }

  #decideBefore(place: Cursor | undefined): void {
    while (this.#decisions[0] && (place === undefined || isAfter(place, this.#decisions[0]))) {
      const decision = this.#decisions.shift()!
      const { project, month } = decision
      const sessions = this.#counts.get(project)?.get(month) ?? 0
      this.#ledger.push({ ...decision, kind: 'invoice', event: null, sessions, amount: amountOf(sessions, decision) })
      this.#invoiced.set(`${project} ${month}`, decision)
    }
  }
}

/** SHA-256 of all lines, in the one order that there is. */
export function hashOf({ usage, ledger }: Books): string {
  const hash = createHash('sha256')
  const months = usage.map(([project, month, sessions]) => JSON.stringify([project, month, sessions]))
  for (const line of months.toSorted()) hash.update(`${line}\n`)
  for (const entry of ledger.toSorted(inOrder)) hash.update(`${lineOf(entry)}\n`)
  return hash.digest('hex')
}
