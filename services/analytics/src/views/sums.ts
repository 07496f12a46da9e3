import type { Transaction } from '@plimsoll/database'
import { distinct, histogram } from '@plimsoll/sketches'
import type { Fact } from './fact.ts'
import { type Row, Rows } from './rows.ts'
import { type Target, tableName, type View } from './view.ts'

/** How a number of two rows with one key becomes that of one: added up, or the earlier or later of two times. */
type Joined = 'sum' | 'earliest' | 'latest'

export interface SumsDeclaration {
  name: string
  version: number
  /** Columns and their types, in the order of the primary key. Times are handed over in milliseconds. */
  key: Readonly<Record<string, 'text' | '"char"' | 'timestamptz'>>
  /** In the order of `Row.numbers`. */
  numbers: Readonly<Record<string, Joined>>
  /** Gives each row a histogram of latencies and a counter of distinct users, exact up to so many. */
  usersExactly?: number
  /** Adds one fact to the finest rows. */
  fold(rows: Rows, fact: Fact): void
  /** Adds the finest rows up into the coarser ones, which is several times cheaper than counting each fact in all of them. */
  rollUp?(rows: Rows): void
  former?: View
}

export interface SumsView extends View {
  /** Names of `Row.numbers`. */
  numbers: readonly string[]
  foldAll(facts: readonly Fact[]): Rows
}

const blank: Record<Joined, number> = { sum: 0, earliest: Infinity, latest: -Infinity }

/**
 * A view whose rows are sums and mergeable sketches. They do not depend on the order of the log nor on how it is cut; and
 * each writer has its own (`part`), so that two of them never wait for one row.
 */
export function sumsView(declaration: SumsDeclaration): SumsView {
  const { name, version, key, numbers, usersExactly, fold, rollUp, former } = declaration
  const keys = Object.keys(key)
  const kinds = Object.values(numbers)
  const shape = { blank: kinds.map(kind => blank[kind]), usersExactly }
  const foldAll = (facts: readonly Fact[]) => {
    const rows = new Rows(shape)
    for (const fact of facts) fold(rows, fact)
    rollUp?.(rows)
    return rows
  }
  return {
    name,
    version,
    key: keys,
    refresh: { mode: 'on-event' },
    tables: [{ name, columns: columnsOf(declaration) }],
    ...(former && { former }),
    numbers: Object.keys(numbers),
    foldAll,
    async apply(tx, facts, target) {
      const rows = foldAll(facts)
      if (rows.size === 0) return 0
      await write(tx, declaration, rows, target)
      return rows.size
    }
  }
}

function columnsOf({ key, numbers, usersExactly }: SumsDeclaration): string {
  const columns = Object.entries(key).map(([name, type]) => `${name} ${type}${type === 'text' ? ' collate "C"' : ''}`)
  columns.push('part smallint not null default 0')
  for (const [name, kind] of Object.entries(numbers)) columns.push(`${name} ${numberType(kind)} not null`)
  if (usersExactly !== undefined) columns.push('latency bytea not null', 'users bytea not null')
  columns.push(`primary key (${Object.keys(key).join(', ')}, part)`)
  return columns.join(', ')
}

const numberType = (kind: Joined) => (kind === 'sum' ? 'bigint' : 'timestamptz')

async function write(tx: Transaction, declaration: SumsDeclaration, rows: Rows, target: Target): Promise<void> {
  const { name, key, numbers, usersExactly } = declaration
  const all = rows.all()
  if (usersExactly !== undefined) await mergeStored(tx, declaration, rows, target)
  const keys = Object.keys(key)
  const sketches = usersExactly === undefined ? [] : ['latency', 'users']
  const parameters: unknown[] = [target.part, ...keyColumns(declaration, all)]
  const types = Object.values(key).map(type => `${type}[]`)
  Object.values(numbers).forEach((kind, i) => {
    types.push(`${numberType(kind)}[]`)
    parameters.push(all.map(row => (kind === 'sum' ? row.numbers[i] : moment(row.numbers[i]!))))
  })
  if (usersExactly !== undefined) {
    types.push('bytea[]', 'bytea[]')
    parameters.push(
      all.map(row => histogram.encode(row.latency)),
      all.map(row => distinct.encode(row.users))
    )
  }
  const columns = [...keys, ...Object.keys(numbers), ...sketches]
  const joined = [
    ...Object.entries(numbers).map(([column, kind]) => `${column} = ${joinedBy[kind](column)}`),
    ...sketches.map(column => `${column} = excluded.${column}`)
  ]
  // Rows that come to nothing are written too: else how a replay is cut into batches would show in which rows there are.
  await tx.query(
    `insert into ${tableName(name, target.suffix)} as s (part, ${columns.join(', ')})
     select $1::smallint, u.* from unnest(${types.map((type, i) => `$${i + 2}::${type}`).join(', ')}) as u
     on conflict (${keys.join(', ')}, part) do update set ${joined.join(', ')}`,
    parameters
  )
}

const joinedBy: Record<Joined, (column: string) => string> = {
  sum: column => `s.${column} + excluded.${column}`,
  earliest: column => `least(s.${column}, excluded.${column})`,
  latest: column => `greatest(s.${column}, excluded.${column})`
}

/** Infinite where the system alone wrote: that moves no end of the data. */
function moment(ms: number): Date | string {
  if (ms === Infinity) return 'infinity'
  return ms === -Infinity ? '-infinity' : new Date(ms)
}

function keyColumns({ key }: SumsDeclaration, rows: readonly Row[]): unknown[][] {
  return Object.values(key).map((type, i) =>
    rows.map(row => (type === 'timestamptz' ? new Date(row.key[i]!) : row.key[i]))
  )
}

/** Merges what the store has into the rows' sketches, so that writing them back loses nothing. */
async function mergeStored(
  tx: Transaction,
  declaration: SumsDeclaration,
  rows: Rows,
  { suffix, part, cache }: Target
): Promise<void> {
  const { name, version, key } = declaration
  const ids = rows.ids().map(id => `${name}${suffix}@${version}/${part}/${id}`)
  const all = rows.all()
  const missed: number[] = []
  all.forEach((row, i) => {
    const held = cache.get(ids[i]!)
    if (held) join(row, held)
    else missed.push(i)
  })
  if (missed.length > 0) {
    const keys = Object.keys(key)
    const types = Object.values(key).map((type, i) => `$${i + 2}::${type}[]`)
    const { rows: stored } = await tx.query<{ n: number; latency: Buffer; users: Buffer }>(
      `select n, latency, users from unnest(${types.join(', ')}) with ordinality as k(${keys.join(', ')}, n)
       join ${tableName(name, suffix)} using (${keys.join(', ')}) where part = $1`,
      [
        part,
        ...keyColumns(
          declaration,
          missed.map(i => all[i]!)
        )
      ]
    )
    for (const { n, latency, users } of stored) {
      const row = all[missed[n - 1]!]!
      join(row, { latency: histogram.decode(latency), users: distinct.decode(users, row.users.limit) })
    }
  }
  all.forEach(({ latency, users }, i) => {
    cache.set(ids[i]!, { latency, users })
  })
}

/** Gives `row` the sum of both. What is held is the larger one as a rule, so the new is merged into it. */
function join(row: Row, held: Pick<Row, 'latency' | 'users'>): void {
  histogram.merge(held.latency, row.latency)
  distinct.merge(held.users, row.users)
  row.latency = held.latency
  row.users = held.users
}
