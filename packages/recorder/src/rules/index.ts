import type { Rule } from '../diagnosis/rule.ts'

/** The table: what can be the matter, in the order in which it is to be dealt with. */
export const rules: readonly Rule[] = []
