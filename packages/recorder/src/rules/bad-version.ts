import type { Rule } from '../diagnosis/rule.ts'
import { endOf, namesOf, troubleAfter } from './deployed.ts'
import { occurrences } from './reading.ts'

export const badVersion: Rule = {
  name: 'bad-version',
  about: 'Another version was started, and since that start something fails that did not before.',
  explains: [
    'slow-dependency',
    'dead-dependency',
    'erring-dependency',
    'hanging-dependency',
    'store-gone',
    'broker-gone',
    'platform-killed',
    'out-of-memory',
    'memory-leak',
    'event-loop-blocked',
    'overload',
    'retry-storm',
    'pool-exhausted',
    'subscriber-poisoned',
    'files-out'
  ],
  lever: {
    name: 'roll back',
    action:
      'Start the version before again (`git checkout` of it, `npm ci`, `npx plimsoll up`). If it says that the database is newer than it knows, mend forward instead. Nothing acknowledged is lost by a restart.',
    page: 'docs/architecture.md'
  },
  find(timeline) {
    const found = occurrences(timeline, 'version').flatMap(change => {
      const trouble = troubleAfter(timeline, change)
      return trouble ? [{ change, trouble }] : []
    })
    const last = found.at(-1)
    if (!last) return []
    const { change, trouble } = last
    const { from, to } = change.detail ?? {}
    return [
      {
        subject: String(to ?? 'platform'),
        title: `Version ${String(to)} was started in place of ${String(from)}, and since then something fails`,
        evidence: [
          {
            at: change.at,
            text: `the version went from ${String(from)} to ${String(to)} at this start`,
            series: 'version'
          },
          ...trouble.parts.map(({ evidence }) => evidence)
        ],
        cost: `What the new version does wrong fails: ${namesOf(trouble.parts)}. What was acknowledged is stored.`,
        since: change.at,
        ...endOf(trouble.parts)
      }
    ]
  }
}
