import type { Rule } from '../diagnosis/rule.ts'
import { costOf, illDependencies } from './dependency.ts'

export const hangingDependency: Rule = {
  name: 'hanging-dependency',
  about: 'A service that is asked takes the call and never answers.',
  explains: ['pool-exhausted', 'overload', 'retry-storm'],
  lever: {
    name: 'timeout',
    action:
      'Start that service again: it takes calls and answers none. The timeout lets go of each call; `npx plimsoll config` says where it is (metadataUrl).',
    page: 'docs/patterns/timeout-and-deadline.md'
  },
  find: timeline =>
    illDependencies(timeline)
      .filter(({ kind }) => kind === 'hanging')
      .map(ill => ({
        subject: ill.name,
        title: `The service ${ill.name} takes every call and answers none`,
        evidence: ill.evidence,
        cost: costOf(ill),
        since: ill.since,
        ...(ill.until === undefined ? {} : { until: ill.until })
      }))
}
