import type { Rule } from '../diagnosis/rule.ts'
import { costOf, illDependencies } from './dependency.ts'

export const slowDependency: Rule = {
  name: 'slow-dependency',
  about: 'A service that is asked answers, and much later than usual.',
  explains: ['pool-exhausted', 'overload', 'retry-storm'],
  lever: {
    name: 'circuit breaker and timeout',
    action:
      'Leave the breaker to it: it stops asking and answers unknown. Find out what changed there; `npx plimsoll config` says where it is (metadataUrl).',
    page: 'docs/patterns/circuit-breaker.md'
  },
  find: timeline =>
    illDependencies(timeline)
      .filter(({ kind }) => kind === 'slow')
      .map(ill => ({
        subject: ill.name,
        title: `The service ${ill.name} answers far too late`,
        evidence: ill.evidence,
        cost: costOf(ill),
        since: ill.since,
        ...(ill.until === undefined ? {} : { until: ill.until })
      }))
}
