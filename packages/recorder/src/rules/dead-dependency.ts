import type { Rule } from '../diagnosis/rule.ts'
import { costOf, illDependencies } from './dependency.ts'

export const deadDependency: Rule = {
  name: 'dead-dependency',
  about: 'A service that is asked is not there: connections to it fail at once.',
  explains: ['pool-exhausted', 'overload', 'retry-storm'],
  lever: {
    name: 'circuit breaker and fallback',
    action:
      'Start it again, or point metadataUrl to one that runs (`npx plimsoll config` prints the address in force). Until then answers come from the cache or say unknown.',
    page: 'docs/patterns/fallback-and-cache.md'
  },
  find: timeline =>
    illDependencies(timeline)
      .filter(({ kind }) => kind === 'dead')
      .map(ill => ({
        subject: ill.name,
        title: `The service ${ill.name} is gone: nobody answers at its address`,
        evidence: ill.evidence,
        cost: costOf(ill),
        since: ill.since,
        ...(ill.until === undefined ? {} : { until: ill.until })
      }))
}
