import type { Queryable, Transaction } from '@plimsoll/database'
import { type Cursor, start } from '../entry.ts'
import { CheckpointMovedError } from './errors.ts'

/** Where the subscriber of this name is; the beginning for a new one. */
export async function readCheckpoint(db: Queryable, schema: string, name: string): Promise<Cursor> {
  const { rows } = await db.query<Cursor>(
    `select xid::text as xid, position from "${schema}".checkpoints where name = $1`,
    [name]
  )
  return rows[0] ?? start
}

/**
 * Moves a checkpoint from where the caller found it, in the transaction of what it did with the events between.
 * @throws CheckpointMovedError when another one of the same name was faster; the transaction must not commit then
 */
export async function moveCheckpoint(
  tx: Transaction,
  schema: string,
  { name, from, to }: { name: string; from: Cursor; to: Cursor }
): Promise<void> {
  const { affected } = await tx.query(
    `insert into "${schema}".checkpoints as c (name, xid, position)
     select $1, $2::xid8, $3::bigint where ($4::xid8, $5::bigint) = ('0'::xid8, 0::bigint)
       or exists (select from "${schema}".checkpoints where name = $1)
     on conflict (name) do update set xid = excluded.xid, position = excluded.position, moved_at = now()
     where c.xid = $4::xid8 and c.position = $5::bigint`,
    [name, to.xid, to.position, from.xid, from.position]
  )
  if (affected !== 1) throw new CheckpointMovedError(name)
}
