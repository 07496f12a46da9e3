import type { Found } from '../diagnosis/causes.ts'
import type { Timeline } from '../diagnosis/timeline.ts'
import { ends, lately, reasonOf } from './ended.ts'

/**
 * The store that the platform ended itself for, in its own words: it ends before the store has been away for long enough
 * to be seen. Only the embedded engine is lost like this, for a server is waited for.
 */
export function lostStore(timeline: Timeline): Found[] {
  const end = ends(timeline).findLast(({ said }) => said && /^a store is gone\b/.test(reasonOf(said)))
  if (!end?.said) return []
  const { said, readyAgain } = end
  const away = lately(timeline, 'store').findLast(
    ({ at, detail }) => detail?.state === 'away' && at <= end.at && said.at - at < 10_000
  )
  const name = away?.subject ?? 'primary'
  return [
    {
      subject: name,
      title: `The embedded engine of the store ${name} ended`,
      evidence: [{ at: said.at, text: `the platform said: ${reasonOf(said)}`, series: said.name }],
      cost: 'The platform ended itself, for it can do nothing without this store. What was acknowledged is stored; clients send the rest again.',
      lever: {
        name: 'restart by the watcher',
        action:
          'The watcher starts the platform again, and the engine with it; `npx plimsoll status` says whether it is well. If it ends again, do what the reason says, or give it a server of its own (databaseUrl).',
        page: 'docs/patterns/health.md'
      },
      since: away?.at ?? said.at,
      ...(readyAgain === undefined ? {} : { until: readyAgain })
    }
  ]
}
