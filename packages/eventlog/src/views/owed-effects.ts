import type { Transaction } from '@plimsoll/database'
import { type Cursor, start } from '../entry.ts'
import type { Place } from './generation.ts'
import { PoisonEventError, type ViewOptions } from './options.ts'
import { eventAt } from './parking.ts'
import { isPoison } from './writer.ts'

/** Of what a generation parked, what it would have had an effect for. */
const owed = '(p.owes_effect or (p.xid, p.position) > (g.effects_xid, g.effects_position))'

/**
 * Takes over the effects that the former generation owes for what it parked: those of events that this one has applied are done
 * now, those of events that it parked as well are done when these are retried.
 * @throws PoisonEventError for an event whose effect is refused
 */
export async function takeOverEffects(
  tx: Transaction,
  { store, effect, category, types, batch = 500 }: ViewOptions,
  { schema, name, generation }: Place,
  former: number
): Promise<void> {
  if (!effect) return
  const parkedBefore = `"${schema}".parked p join "${schema}".view_generations g
    on g.name = p.name and g.generation = p.generation`
  await tx.query(
    `update "${schema}".parked n set owes_effect = true from ${parkedBefore}
     where n.name = $1 and n.generation = $3 and p.name = $1 and p.generation = $2
       and p.xid = n.xid and p.position = n.position and ${owed}`,
    [name, former, generation]
  )
  for (let from = start; ; ) {
    const { rows } = await tx.query<Cursor>(
      `select p.xid::text as xid, p.position from ${parkedBefore}
       where p.name = $1 and p.generation = $2 and ${owed} and (p.xid, p.position) > ($4::xid8, $5::bigint)
         and not exists (select from "${schema}".parked n
           where n.name = $1 and n.generation = $3 and n.xid = p.xid and n.position = p.position)
       order by p.xid, p.position limit $6`,
      [name, former, generation, from.xid, from.position, batch]
    )
    for (const at of rows) {
      const event = await eventAt(store, tx, at, { category, types })
      if (!event) continue
      await effect(tx, event).catch(error => {
        throw isPoison(error) ? new PoisonEventError(name, event, error) : error
      })
    }
    const last = rows.at(-1)
    if (!last) return
    from = last
  }
}
