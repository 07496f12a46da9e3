import type { Rule } from '../diagnosis/rule.ts'
import type { Occurrence } from '../record.ts'
import { troubleAfter } from './deployed.ts'
import { occurrences } from './reading.ts'

/** A setting that names what is ill is the likely one: metadataUrl and metadata, databaseUrl and any store. */
function fits(change: Occurrence, of: readonly string[]): boolean {
  const key = keyOf(change).toLowerCase()
  return of.some(
    what =>
      what === 'platform' ||
      key.startsWith(what.toLowerCase()) ||
      (key.includes('database') && !key.includes('metadata'))
  )
}

const keyOf = ({ subject, detail }: Occurrence) => String(detail?.key ?? subject ?? '')

const shown = (value: unknown) =>
  value === undefined || value === null || value === '' ? 'nothing' : String(value).slice(0, 80)

export const badConfiguration: Rule = {
  name: 'bad-configuration',
  about: 'A setting was changed, and since that start something fails that did not before.',
  explains: [
    'slow-dependency',
    'dead-dependency',
    'erring-dependency',
    'hanging-dependency',
    'store-gone',
    'store-out-of-connections',
    'platform-killed',
    'platform-gave-up',
    'overload',
    'retry-storm',
    'pool-exhausted',
    'expired',
    'broker-gone'
  ],
  lever: {
    name: 'take back the setting',
    action:
      'Put the old value back where it is set (`npx plimsoll config` says for each setting whether that is the environment, plimsoll.json or a flag) and start again. Nothing acknowledged is lost by a restart.',
    page: 'docs/architecture.md'
  },
  find(timeline) {
    const changes = occurrences(timeline, 'configuration')
    const found = changes.flatMap(change => {
      const trouble = troubleAfter(timeline, change)
      return trouble && fits(change, trouble.of) ? [{ change, trouble }] : []
    })
    const last = found.at(-1)
    if (!last) return []
    const { change, trouble } = last
    const key = keyOf(change)
    const { from, to, changed } = change.detail ?? {}
    const how = changed === true ? 'was changed (its value is not shown)' : `went from ${shown(from)} to ${shown(to)}`
    return [
      {
        subject: key,
        title: `The setting ${key} was changed, and since then something fails`,
        evidence: [
          { at: change.at, text: `${key} ${how} at this start`, series: 'configuration' },
          ...trouble.evidence
        ],
        cost: `What depends on this setting fails: ${[...new Set(trouble.of)].join(', ')}. The rest goes on, and nothing acknowledged is lost.`,
        since: change.at,
        ...(trouble.until === undefined ? {} : { until: trouble.until })
      }
    ]
  }
}
