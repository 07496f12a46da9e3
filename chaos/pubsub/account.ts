/** What was published and what each group did with it. Pure. */

export interface Effect {
  id: string
  key: string
  n: number
}

export interface Account {
  handled: number
  /** Published and not handled. */
  lost: number
  /** Handled more than once. */
  doubled: number
  /** Handled and published by nobody. */
  unknown: number
  /** Handled before one that came before it in its key. */
  outOfOrder: number
}

/** `effects` in the order in which they were committed; `published` is how many there are of each key. */
export function accountOf(published: ReadonlyMap<string, number>, effects: readonly Effect[]): Account {
  const seen = new Set<string>()
  const highest = new Map<string, number>()
  let doubled = 0
  let unknown = 0
  let outOfOrder = 0
  for (const { id, key, n } of effects) {
    if (n >= (published.get(key) ?? 0) || id !== `${key}-${n}`) {
      unknown++
      continue
    }
    if (seen.has(id)) {
      doubled++
      continue
    }
    seen.add(id)
    const before = highest.get(key) ?? -1
    if (n < before) outOfOrder++
    highest.set(key, Math.max(before, n))
  }
  const all = [...published.values()].reduce((sum, count) => sum + count, 0)
  return { handled: effects.length, lost: all - seen.size, doubled, unknown, outOfOrder }
}

/** How many rounds a journal knows begun, and how many of them are confirmed. */
export function roundsOf(journal: string): { begun: number; done: number } {
  const lines = journal.split('\n')
  const begun = new Set(lines.filter(line => line.startsWith('begun ')))
  return { begun: begun.size, done: lines.filter(line => line.startsWith('done ')).length }
}
