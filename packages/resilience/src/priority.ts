/** How much a call matters when not all can be served: `sheddable` is given up first, `critical` last. */
export type Priority = 'critical' | 'normal' | 'sheddable'

/** A priority as a number, for arrays and comparisons: the lower, the more it matters. */
export type Rank = 0 | 1 | 2

export const NORMAL: Rank = 1

export const PRIORITIES: readonly Priority[] = ['critical', 'normal', 'sheddable']

/** What is none of the three ranks as `normal`: a word that came over the wire must not buy the best place. */
export function rankOf(priority: Priority): Rank {
  if (priority === 'critical') return 0
  return priority === 'sheddable' ? 2 : NORMAL
}
