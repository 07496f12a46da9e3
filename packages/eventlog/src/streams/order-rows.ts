import type { Queryable } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
import { categoryOf } from './append.ts'
import { columns, type EventRow } from './rows.ts'

/** Which events of the global order. An absent list means all. */
export interface Filter {
  /** Streams named so, or so and then `/`. */
  category?: string | undefined
  types?: readonly string[] | undefined
}

export interface OrderRange extends Filter {
  /** Right behind this place; backward: right before it. */
  from: Cursor | undefined
  until: Cursor | undefined
  backward: boolean
  limit: number
}

export interface RowPage {
  rows: EventRow[]
  /** Where the next page begins: behind all that was looked at, wanted or not. */
  cursor: Cursor | undefined
  /** True when nothing committed lies behind what was looked at, not even above the horizon. */
  caughtUp: boolean
}

/** Events that one look at a filtered log passes at most, so that a look for something rare has an end. */
const widest = 10_000

const horizon = 'pg_snapshot_xmin(pg_current_snapshot())'

/**
 * A page of the global order, of what lies below the horizon: the number of the oldest transaction still writing. Above it
 * a slower transaction may still commit with a lower place. One statement, so one snapshot, tells the page and the horizon.
 */
export async function readOrderRows(db: Queryable, schema: string, range: OrderRange): Promise<RowPage> {
  const filtered = range.category !== undefined || range.types !== undefined
  return filtered ? readFilteredRows(db, schema, range) : readAllRows(db, schema, range)
}

/** The clauses that both kinds of page have, and the parameters in them. */
function clausesOf(schema: string, { from, until, backward, category }: OrderRange) {
  const parameters: unknown[] = []
  const bind = (value: unknown) => `$${parameters.push(value)}`
  const [before, after] = backward ? ['<', '>'] : ['>', '<=']
  const direction = backward ? 'desc' : 'asc'
  const start = from && { xid: bind(from.xid), position: bind(from.position) }
  const end = until && { xid: bind(until.xid), position: bind(until.position) }
  const beyond = (place: typeof start, operator: string) =>
    place ? ` and (e.xid, e.position) ${operator} (${place.xid}::xid8, ${place.position}::bigint)` : ''
  const where = `e.xid < ${horizon}${beyond(start, before!)}${beyond(end, after!)}`
  // In ORDER BY a bare name would mean the text column of an answer, and as text 1000 comes before 999.
  const order = (of: string) => `${of}.xid ${direction}, ${of}.position ${direction}`
  // Only transactions that wrote something of the category, and the events of each by the index of the order. Bounds within a
  // transaction are by position alone: the index cannot begin in the middle of one by a pair.
  const within = (place: typeof start, operator: string, otherwise: string) =>
    place
      ? `and e.position ${operator} case when m.xid = ${place.xid}::xid8 then ${place.position}::bigint else ${otherwise} end`
      : ''
  const [lowest, highest] = ['-1', '9223372036854775807']
  const [first, last] = backward ? [highest, lowest] : [lowest, highest]
  const marks = () => `(select m.xid from "${schema}".categories m
      where m.category = ${bind(categoryOf(category!))} and m.xid < ${horizon}
        ${start ? `and m.xid ${before}= ${start.xid}::xid8` : ''} ${end ? `and m.xid ${backward ? '>=' : '<='} ${end.xid}::xid8` : ''}
      order by m.xid ${direction}) m
    cross join lateral (select * from "${schema}".events e where e.xid = m.xid
      ${within(start, before!, first)} ${within(end, after!, last)} order by e.position ${direction}) e`
  return { parameters, bind, where, order, marks }
}

/** By the last place there is: asked whether any event is above the horizon, a planner without statistics scans the table. */
const held = (schema: string) => `(select coalesce((select a.xid >= ${horizon} from "${schema}".events a
  order by a.xid desc, a.position desc limit 1), false) as held) h`

async function readAllRows(db: Queryable, schema: string, range: OrderRange): Promise<RowPage> {
  const { parameters, bind, where, order } = clausesOf(schema, range)
  const { rows } = await db.query<EventRow & { held: boolean }>(
    `select h.held, p.* from ${held(schema)}
     left join lateral (select ${columns} from "${schema}".events e where ${where}
       order by ${order('e')} limit ${bind(range.limit)}) p on true`,
    parameters
  )
  const found = rows.filter(({ position }) => position !== null)
  const last = found.at(-1)
  return {
    rows: found,
    cursor: last && { xid: last.xid, position: last.position },
    caughtUp: found.length < range.limit && !rows[0]!.held
  }
}

/**
 * Stops at the page's last wanted event, or when it has passed as many as a look may. What holds for a category is found by
 * the transactions that wrote in it; once these are passed, so is all of the log.
 */
async function readFilteredRows(db: Queryable, schema: string, range: OrderRange): Promise<RowPage> {
  const { limit, category, types } = range
  const { parameters, bind, where, order, marks } = clausesOf(schema, range)
  const window = bind(Math.max(limit, widest))
  const looked =
    category === undefined
      ? `select e.* from "${schema}".events e where ${where} order by ${order('e')} limit ${window}`
      : `select e.* from ${marks()} limit ${window}`
  let wanted = 'true'
  if (category !== undefined) {
    const name = bind(category)
    wanted += ` and (e.stream = ${name} or starts_with(e.stream, ${name} || '/'))`
  }
  if (types) wanted += ` and e.type = any(${bind(types)}::text[])`
  const full = bind(limit)
  const { rows } = await db.query<
    EventRow & { held: boolean; edge: { xid: string; position: number; seen: number } | null }
  >(
    `with page as materialized (
       select ${columns} from (${looked}) e where ${wanted} limit ${full}::int + 1
     ), passed as materialized (
       select e.xid, e.position, count(*) over () as seen from (${looked}) e
       where (select count(*) from page) <= ${full}::int
     ), behind as materialized (
       (select p.xid, p.position, p.seen from passed p where p.seen = ${window} order by ${order('p')} offset ${window} - 1)
       union all
       (select e.xid, e.position, 0 from "${schema}".events e
        where ${where} and (select count(*) from page) <= ${full}::int order by ${reversed(order('e'))} limit 1)
     )
     select h.held, (select json_build_object('xid', b.xid::text, 'position', b.position, 'seen', b.seen) from behind b
       order by b.seen desc limit 1) as edge, p.*
     from ${held(schema)} left join page p on true`,
    parameters
  )
  const found = rows.filter(({ position }) => position !== null)
  const { held: above, edge } = rows[0]!
  const taken = found.slice(0, limit)
  const last = found.length > limit ? taken.at(-1) : edge
  return {
    rows: taken,
    cursor: last ? { xid: last.xid, position: last.position } : undefined,
    caughtUp: found.length <= limit && !above && (edge?.seen ?? 0) === 0
  }
}

const reversed = (order: string) => order.replace(/asc|desc/g, word => (word === 'asc' ? 'desc' : 'asc'))
