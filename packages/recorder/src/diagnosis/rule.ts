import type { Finding, Lever } from './diagnosis.ts'
import type { Timeline } from './timeline.ts'

/**
 * One entry of the table. A rule looks at the records and says what it sees, with its evidence; it knows nothing of the
 * other rules, but names those whose findings it explains. Where a finding of `explains` overlaps with one of this rule
 * in time, and is not much older, it becomes its symptom and is no cause.
 */
export interface Rule {
  name: string
  /** What it looks for, in a sentence, for the table of rules. */
  about: string
  /** Names of rules whose findings follow from this one, whatever their subject. */
  explains: readonly string[]
  /** The same, but only where the subject of both findings is the same. Default: none. */
  explainsOfSubject?: readonly string[]
  /** Of both, those that may have begun long before this one: what leads up to it and is understood by its end. Default: none. */
  explainsEarlier?: readonly string[]
  /**
   * Names of rules whose findings follow from this one where they began after it, and could as well be its cause where they
   * began before. Default: none.
   */
  explainsLater?: readonly string[]
  /** Whether it only says that something is wrong, so that whatever else was found at the time explains it. Default: no. */
  isSymptomOfAll?: boolean
  lever: Lever
  /** A finding has a lever of its own where that of the rule would do harm. */
  find(timeline: Timeline): (Omit<Finding, 'rule' | 'lever' | 'symptoms'> & { lever?: Lever })[]
}
