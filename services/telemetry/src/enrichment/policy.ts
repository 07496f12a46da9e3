import { breaker, bulkhead, type Clock, deadline, type Policy, policy, timeout } from '@plimsoll/resilience'
import type { Enrichment } from './enrichment.ts'
import type { MetadataClient } from './metadata-client.ts'

/** How long one call of the metadata API may take, in milliseconds. */
export const metadataBudgetMs = 200

/**
 * The one policy through which the metadata API is asked. Outermost first: nothing starts that cannot end in 250 ms; the
 * breaker opens when calls take over 200 ms or 5 % of them fail; at most 8 calls run and 16 wait; one call ends after
 * 200 ms. What it refuses becomes stale data or `unknown` in the enricher, never a failed event.
 */
export function metadataPolicy(clock: Clock): Policy {
  return policy(
    'metadata',
    [
      deadline(250),
      // Half a minute of rest would be half a minute of sessions to restate; a probe every five seconds costs nothing.
      breaker.preset.slowDependency({ maxOpenMs: 5_000 }),
      bulkhead({ concurrency: 8, queue: 16, queueTimeoutMs: 100 }),
      timeout(metadataBudgetMs)
    ],
    { clock }
  )
}

/** `client.fetchMany` under the policy. */
export function guardedLoad(
  client: MetadataClient,
  guard: Policy
): (userIds: readonly string[]) => Promise<Map<string, Enrichment>> {
  return ids => guard.run(context => client.fetchMany(ids, { signal: context.signal, deadline: context.deadline }))
}
