import type { Rule } from '../diagnosis/rule.ts'
import { costOf, illDependencies } from './dependency.ts'

export const erringDependency: Rule = {
  name: 'erring-dependency',
  about: 'A service that is asked answers quickly, and part of its answers are errors.',
  explains: ['pool-exhausted', 'overload', 'retry-storm'],
  lever: {
    name: 'circuit breaker',
    action:
      'Read the log of that service for its errors; roll back what was deployed there. The breaker keeps asking now and then and closes by itself.',
    page: 'docs/patterns/circuit-breaker.md'
  },
  find: timeline =>
    illDependencies(timeline)
      .filter(({ kind }) => kind === 'erring')
      .map(ill => ({
        subject: ill.name,
        title: `The service ${ill.name} answers part of the calls with errors`,
        evidence: ill.evidence,
        cost: costOf(ill),
        since: ill.since,
        ...(ill.until === undefined ? {} : { until: ill.until })
      }))
}
