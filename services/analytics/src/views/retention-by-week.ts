import type { Transaction } from '@plimsoll/database'
import type { Fact } from './fact.ts'
import { addSeen, mondayOf, shardOf, weekOf } from './user-weeks.ts'
import { type RefreshRun, type Target, tableName, type View } from './view.ts'

/**
 * Users who were there N weeks after the week in which they were first seen. To know that, each user must be found again:
 * too dear for every event. So a step only writes down who was there, and a refresh takes these in, for the parts of all
 * users in which somebody was. Who turns out to have come earlier moves to the earlier cohort.
 */
export const retentionByWeek: View = {
  name: 'retention_by_week',
  version: 1,
  key: ['project', 'cohort', 'week'],
  refresh: { mode: 'periodic', everyMs: 300_000, run: refreshBy(1_000_000) },
  tables: [
    // Who was there, one row a step, project and week; emptied by each refresh.
    {
      name: 'seen',
      columns:
        'id bigint generated always as identity primary key, project text collate "C" not null, week int not null, users bytea not null'
    },
    {
      name: 'user_weeks',
      columns:
        'project text collate "C" not null, shard smallint not null, users bytea not null, primary key (project, shard)'
    },
    {
      name: 'retention_by_week',
      columns:
        'project text collate "C" not null, cohort date not null, week smallint not null, users bigint not null, primary key (project, cohort, week)'
    }
  ],
  apply: writeSeen
}

/** Weeks that fit into the stored form; what claims to be of before 1970 or after 3226 is left out. */
const storable = (week: number) => week >= 0 && week < 65_536

/** Returns how many users it wrote down, which decides how soon a refresh is due. */
async function writeSeen(tx: Transaction, facts: readonly Fact[], { suffix }: Target): Promise<number> {
  const crowds = new Map<string, { project: string; week: number; halves: number[]; lately: Map<number, number> }>()
  let users = 0
  for (const { project, sent } of facts) {
    if (!sent?.user) continue
    const week = weekOf(sent.time)
    if (!storable(week)) continue
    const key = `${week}/${project}`
    let crowd = crowds.get(key)
    if (!crowd) {
      crowd = { project, week, halves: [], lately: new Map() }
      crowds.set(key, crowd)
    }
    const [high, low] = sent.user
    // To be told of somebody twice does no harm, so this need not know everybody.
    if (crowd.lately.get(low) === high) continue
    crowd.lately.set(low, high)
    crowd.halves.push(high, low)
    users++
  }
  if (users === 0) return 0
  const rows = [...crowds.values()]
  await tx.query(
    `insert into ${tableName('seen', suffix)} (project, week, users) select * from unnest($1::text[], $2::int[], $3::bytea[])`,
    [
      rows.map(({ project }) => project),
      rows.map(({ week }) => week),
      rows.map(({ halves }) => new Uint8Array(Uint32Array.from(halves).buffer))
    ]
  )
  return users
}

/** Parts of the users that one piece of a refresh takes in: it keeps readers waiting for some tens of milliseconds. */
const shardsAtOnce = 32
interface Part {
  project: string
  shard: number
  seen: number[]
}

/** What a refresh is in the middle of. Taken in again from the beginning, it comes to the same. */
interface Taken {
  ids: number[]
  left: Part[]
  /** Whether this is the last of what was there when the refresh began. */
  isLast: boolean
}

/** `usersAtOnce`: users that are taken in together at most, but for those of one step, which bounds the memory. */
export function refreshBy(usersAtOnce: number): RefreshRun {
  return async (tx, suffix, memory) => {
    // What is written meanwhile is for the next refresh, or this one might never end.
    const end = (memory.get('end') as number | undefined) ?? (await lastSeen(tx, suffix))
    memory.set('end', end)
    const taken = (memory.get('taken') as Taken | undefined) ?? (await take(tx, suffix, end, usersAtOnce))
    memory.set('taken', taken)
    const parts = taken.left.splice(-shardsAtOnce)
    const rows = await takeIn(tx, suffix, parts)
    if (taken.left.length > 0) return { more: true, rows }
    await tx.query(`delete from ${tableName('seen', suffix)} where id = any($1::bigint[])`, [taken.ids])
    memory.delete('taken')
    return { more: !taken.isLast, rows }
  }
}

async function lastSeen(tx: Transaction, suffix: Target['suffix']): Promise<number> {
  const { rows } = await tx.query<{ id: number }>(`select coalesce(max(id), 0) as id from ${tableName('seen', suffix)}`)
  return rows[0]!.id
}

async function take(tx: Transaction, suffix: Target['suffix'], end: number, usersAtOnce: number): Promise<Taken> {
  const parts = new Map<string, Part>()
  const ids: number[] = []
  let last = 0
  for (let users = 0; ; ) {
    const { rows } = await tx.query<{ id: number; project: string; week: number; users: Buffer }>(
      `select id, project, week, users from ${tableName('seen', suffix)} where id > $1 and id <= $2 order by id limit 100`,
      [last, end]
    )
    for (const row of rows) {
      // Copied, since the bytes of a row need not begin where four of them may be read at once.
      const halves = new Uint32Array(new Uint8Array(row.users).buffer)
      for (let i = 0; i < halves.length; i += 2) add(parts, row.project, halves[i]!, halves[i + 1]!, row.week)
      users += halves.length / 2
      ids.push(row.id)
      last = row.id
      if (users >= usersAtOnce && last < end) return { ids, left: [...parts.values()], isLast: false }
    }
    if (rows.length < 100) return { ids, left: [...parts.values()], isLast: true }
  }
}

function add(parts: Map<string, Part>, project: string, high: number, low: number, week: number): void {
  const shard = shardOf(high)
  const key = `${shard}/${project}`
  let part = parts.get(key)
  if (!part) {
    part = { project, shard, seen: [] }
    parts.set(key, part)
  }
  part.seen.push(high, low, week)
}

async function takeIn(tx: Transaction, suffix: Target['suffix'], parts: readonly Part[]): Promise<number> {
  if (parts.length === 0) return 0
  const keys = [parts.map(({ project }) => project), parts.map(({ shard }) => shard)]
  const { rows } = await tx.query<{ n: number; users: Buffer }>(
    `select n, users from unnest($1::text[], $2::smallint[]) with ordinality as k(project, shard, n)
     join ${tableName('user_weeks', suffix)} using (project, shard)`,
    keys
  )
  const stored = new Map(rows.map(({ n, users }) => [n - 1, users]))
  const cells = new Map<string, { project: string; cohort: number; week: number; users: number }>()
  const changed: { project: string; shard: number; users: Uint8Array }[] = []
  parts.forEach(({ project, shard, seen }, i) => {
    const users = addSeen(stored.get(i), seen, (cohort, at, more) => {
      const key = `${cohort}/${at}/${project}`
      const cell = cells.get(key) ?? { project, cohort, week: at - cohort, users: 0 }
      cells.set(key, cell)
      cell.users += more
    })
    if (users) changed.push({ project, shard, users })
  })
  if (changed.length === 0) return 0
  await tx.query(
    `insert into ${tableName('user_weeks', suffix)} select * from unnest($1::text[], $2::smallint[], $3::bytea[])
     on conflict (project, shard) do update set users = excluded.users`,
    [changed.map(({ project }) => project), changed.map(({ shard }) => shard), changed.map(({ users }) => users)]
  )
  await recount(tx, tableName('retention_by_week', suffix), [...cells.values()])
  return changed.length + cells.size
}

async function recount(
  tx: Transaction,
  table: string,
  cells: readonly { project: string; cohort: number; week: number; users: number }[]
): Promise<void> {
  const key = [
    cells.map(({ project }) => project),
    cells.map(({ cohort }) => new Date(mondayOf(cohort)).toISOString().slice(0, 10)),
    cells.map(({ week }) => week)
  ]
  await tx.query(
    `insert into ${table} as r select * from unnest($1::text[], $2::date[], $3::smallint[], $4::bigint[])
     on conflict (project, cohort, week) do update set users = r.users + excluded.users`,
    [...key, cells.map(({ users }) => users)]
  )
  // A cell that nobody is in any more goes, so that the order in which people were met leaves no trace.
  await tx.query(
    `delete from ${table} using unnest($1::text[], $2::date[], $3::smallint[]) as k(project, cohort, week)
     where ${table}.project = k.project and ${table}.cohort = k.cohort and ${table}.week = k.week and users = 0`,
    key
  )
}
