import type { StageName } from './fault.ts'
import { faults, halves } from './faults.ts'
import type { Turn } from './run.ts'

const known = { ...faults, ...halves }

/** Two faults at once, the one to be named first before the other, and the stage that has what both need. */
const pairs: [keyof typeof known, keyof typeof known, StageName?, 'other first'?][] = [
  // The second follows from the first, as far as anybody can see.
  ['slow-answers', 'held-pool'],
  ['blocked-loop', 'hanging-answers'],
  ['slow-store', 'client-storm', 'server'],
  // These have nothing to do with each other: the order is that in which they are to be dealt with.
  ['slow-answers', 'dead-subscriber'],
  ['slow-store', 'hanging-answers', 'server'],
  ['failing-answers', 'poisoned-subscriber'],
  ['hanging-answers', 'dead-subscriber'],
  ['client-storm', 'poisoned-subscriber'],
  ['poisoned-subscriber', 'clock-jump'],
  // With the store gone nothing is asked of the metadata API any more, so its fault must have been seen by then.
  ['store-gone', 'slow-answers', 'server', 'other first'],
  ['no-connections', 'slow-answers', 'server'],
  ['locked-store', 'slow-answers', 'server'],
  ['full-disk', 'slow-answers', 'small-disk'],
  ['expired-certificate', 'dead-subscriber', 'certificate']
]

/** The pairs as turns, each by the names of both. */
export const pairTurns: Turn[] = pairs.map(([root, other, stage = 'embedded', order]) => ({
  name: `${root} + ${other}`,
  stage,
  faults: [known[root], known[other]],
  // A store that was slow for a third of its past has no usual any more: the next pair has a stage of its own.
  isLast: root === 'slow-store',
  otherFirst: order !== undefined
}))
