import type { Rule } from '../diagnosis/rule.ts'
import type { Occurrence } from '../record.ts'
import { endOf, namesOf, oneStartMs, type Part, troubleAfter } from './deployed.ts'
import { occurrences } from './reading.ts'

/** A setting that is about what is ill is the likely one: metadataUrl about metadata, databaseUrl about stores. */
function fits(change: Occurrence, { kind, name }: Part): boolean {
  const key = keyOf(change).toLowerCase()
  switch (kind) {
    case 'dependency':
      return key.startsWith(name.toLowerCase())
    case 'broker':
      return key.startsWith('broker')
    case 'store':
      return key.includes('database') && !(key.startsWith('read') && name === 'primary')
    default:
      return false
  }
}

/** What was changed at one start, start by start. */
function byStart(changes: readonly Occurrence[]): Occurrence[][] {
  const starts: Occurrence[][] = []
  for (const change of changes) {
    const last = starts.at(-1)
    if (last && change.at - last[0]!.at <= oneStartMs) last.push(change)
    else starts.push([change])
  }
  return starts
}

const keyOf = ({ subject, detail }: Occurrence) => String(detail?.key ?? subject ?? '')

const shown = (value: unknown) =>
  value === undefined || value === null || value === '' ? 'nothing' : String(value).slice(0, 80)

function toldOf(change: Occurrence): string {
  const { from, to, changed } = change.detail ?? {}
  const how = changed === true ? 'was changed (its value is not shown)' : `went from ${shown(from)} to ${shown(to)}`
  return `${keyOf(change)} ${how} at this start`
}

export const badConfiguration: Rule = {
  name: 'bad-configuration',
  about: 'A setting was changed, and since that start something fails that did not before.',
  explains: ['platform-killed', 'overload', 'retry-storm', 'pool-exhausted'],
  explainsOfSubject: [
    'slow-dependency',
    'dead-dependency',
    'erring-dependency',
    'hanging-dependency',
    'store-gone',
    'store-out-of-connections',
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
    const found = byStart(occurrences(timeline, 'configuration')).flatMap(changes => {
      const trouble = troubleAfter(timeline, changes[0]!)
      if (!trouble) return []
      const named = changes.filter(change => trouble.parts.some(part => fits(change, part)))
      // What hinders the platform itself can be any of them.
      const isOwn = trouble.parts.some(({ kind }) => kind === 'platform')
      const blamed = named.length === 0 && isOwn ? changes : named
      const parts = trouble.parts.filter(part => part.kind === 'platform' || blamed.some(change => fits(change, part)))
      return blamed.length > 0 ? [{ blamed, parts }] : []
    })
    const last = found.at(-1)
    if (!last) return []
    const { blamed, parts } = last
    const [key, ...keys] = blamed.map(keyOf)
    const ill = parts.filter(({ kind }) => kind !== 'platform').map(({ name }) => name)
    const since = blamed[0]!.at
    return [
      {
        subject: key!,
        also: [...keys, ...ill],
        title:
          keys.length === 0
            ? `The setting ${key} was changed, and since then something fails`
            : `The settings ${[key, ...keys].join(', ')} were changed, and since then something fails`,
        evidence: [
          ...blamed.map(change => ({ at: change.at, text: toldOf(change), series: 'configuration' })),
          ...parts.map(({ evidence }) => evidence)
        ],
        cost: `What depends on ${keys.length === 0 ? 'this setting' : 'these settings'} fails: ${namesOf(parts)}. The rest goes on, and nothing acknowledged is lost.`,
        since,
        ...endOf(parts)
      }
    ]
  }
}
