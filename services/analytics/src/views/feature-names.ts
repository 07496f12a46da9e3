import type { Transaction } from '@plimsoll/database'
import type { LogEntry } from '@plimsoll/eventlog'

/** Features a project may have by name; a client with unbounded names must not have unbounded rows. */
const featureLimit = 1_000
const otherFeatures = '(other)'

/**
 * Which name each feature is counted under: its own while the project has room, decided in the order of the log. The names
 * are kept through a rebuild, which so decides as it was decided then.
 */
export async function nameFeatures(
  tx: Transaction,
  entries: readonly LogEntry[]
): Promise<(project: string, name: string) => string> {
  const met = new Map<string, Set<string>>()
  for (const { tenant, type, data } of entries) {
    const name = type === 'feature.used' ? (data as { feature?: unknown } | null)?.feature : undefined
    if (typeof name !== 'string') continue
    const names = met.get(tenant) ?? new Set()
    met.set(tenant, names.add(name))
  }
  const known = new Map<string, Set<string>>()
  for (const [project, names] of met) {
    await tx.query(
      `insert into analytics.features select $1, name from unnest($2::text[]) with ordinality as u(name, n)
       where not exists (select from analytics.features f where f.project = $1 and f.feature = name)
       order by n limit greatest(0, $3 - (select count(*) from analytics.features where project = $1))
       on conflict do nothing`,
      [project, [...names], featureLimit]
    )
    const { rows } = await tx.query<{ feature: string }>(
      'select feature from analytics.features where project = $1 and feature = any($2::text[])',
      [project, [...names]]
    )
    known.set(project, new Set(rows.map(r => r.feature)))
  }
  return (project, name) => (known.get(project)?.has(name) ? name : otherFeatures)
}
