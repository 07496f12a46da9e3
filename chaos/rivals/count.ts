/** What a target counts of what it was sent. Pure. */
export interface Count {
  sent: number
  lost: number
  /** Counted beyond the first time. */
  doubled: number
}

export function countOf(sent: ReadonlySet<string>, counts: Iterable<{ id: string; times: number }>): Count {
  let found = 0
  let doubled = 0
  for (const { id, times } of counts) {
    const mine = sent.has(id)
    if (mine) found++
    // What nobody sent is counted too often as well.
    doubled += mine ? times - 1 : times
  }
  return { sent: sent.size, lost: sent.size - found, doubled }
}

/** Counted beyond the first time, of what is there now. */
export const extraOf = (counts: Iterable<{ id: string; times: number }>): number =>
  Iterator.from(counts).reduce((sum, { times }) => sum + times - 1, 0)
