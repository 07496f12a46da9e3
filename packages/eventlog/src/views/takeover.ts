import { DatabaseError, type Transaction } from '@plimsoll/database'
import { isAfter } from '../streams/event.ts'
import { liveCursor, moveTurn, type Place, show, type Turn, tableOf, ViewSupersededError } from './generation.ts'
import { PoisonEventError, type ViewOptions } from './options.ts'
import { takeOverEffects } from './owed-effects.ts'
import { isPoison, type ViewWriter } from './writer.ts'

/** How long new readers, and the live generation, are kept waiting for those who read when their view is to be changed. */
const readersMs = 250

const lockNotAvailable = '55P03'

/**
 * Shows readers this generation in place of the one before. That one is made to stand still, and what it has done since is done
 * here before: up to so many pages, so that it does not wait for long. Effects go on exactly where it stopped, and those of
 * what it parked are taken over. Returns false when it was too far ahead or readers were in the way: then some of the way is
 * done, and it has to be tried again.
 * @throws PoisonEventError when an effect that is taken over is refused
 */
export async function takeOver(
  options: ViewOptions,
  place: Place,
  turn: Turn,
  writer: ViewWriter,
  pages: number
): Promise<boolean> {
  const { store, category, types, batch = 500, leaseMs = 10_000, onError } = options
  const { schema, name, generation } = place
  try {
    const { cursor, count, shown, told } = await store.database.transaction(async tx => {
      await tx.query(`select set_config('lock_timeout', $1, true)`, [String(readersMs)])
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}.${name}`])
      await tx.query(`select from "${schema}".view_generations where name = $1 order by generation for update`, [name])
      const live = await liveCursor(tx, place)
      if (live.generation > generation) throw new ViewSupersededError(place, live.generation)
      const told = []
      let [cursor, count] = [turn.cursor, 0]
      for (let page = 0; page < pages && isAfter(live, cursor); page++) {
        const next = await store.readPage({
          from: cursor,
          until: live,
          category,
          types,
          batch,
          sealed: true,
          unreadable: 'tell',
          tx
        })
        told.push(...(await writer.take(tx, next.events, turn)))
        count += next.events.length
        cursor = next.cursor
      }
      await moveTurn(tx, place, turn, cursor, count, leaseMs)
      const shown = !isAfter(live, cursor)
      if (shown) {
        await takeOverEffects(tx, options, place, live.generation)
        await showInstead(tx, place, live.generation)
      }
      return { cursor: { xid: cursor.xid, position: cursor.position }, count, shown, told }
    })
    turn.cursor = cursor
    writer.written += count
    for (const error of told) onError?.(error)
    return shown
  } catch (error) {
    // An effect that the former one owes stands in the way. Any other event at fault is found by a step of its own.
    if (error instanceof PoisonEventError) throw error
    if (error instanceof ViewSupersededError || !(isPoison(error) || isLockTimeout(error))) throw error
    return false
  }
}

const isLockTimeout = (error: unknown) => error instanceof DatabaseError && error.code === lockNotAvailable

async function showInstead(tx: Transaction, place: Place, former: number): Promise<void> {
  const { schema, name, generation } = place
  await tx.query(
    `update "${schema}".view_generations set effects_xid = xid, effects_position = position
     where name = $1 and generation = $2`,
    [name, generation]
  )
  await tx.query(`update "${schema}".views set live = $2 where name = $1`, [name, generation])
  await show(tx, place)
  for (const table of ['view_generations', 'parked']) {
    await tx.query(`delete from "${schema}".${table} where name = $1 and generation = $2`, [name, former])
  }
}

/** Drops the tables of generations that readers do not see any more; one that is still in use is left for the next time. */
export async function dropFormer({ store }: ViewOptions, { schema, name }: Place): Promise<void> {
  const { rows } = await store.database.query<{ generation: number }>(
    `select t.generation from pg_class c
     join pg_namespace n on n.oid = c.relnamespace and n.nspname = $3
     cross join lateral (select case when c.relkind = 'r' and c.relname ~ ('^' || $1 || '_[0-9]{1,9}$')
       then substr(c.relname, $2)::int end as generation) t
     join "${schema}".views v on v.name = $1 and t.generation < v.live
     where not exists (select from "${schema}".view_generations g where g.name = $1 and g.generation = t.generation)`,
    [name, name.length + 2, schema]
  )
  for (const { generation } of rows) {
    await store.database.transaction(async tx => {
      await tx.query(`select set_config('lock_timeout', '2000', true)`)
      await tx.exec(`drop table if exists ${tableOf({ schema, name, generation })}`)
    })
  }
}
