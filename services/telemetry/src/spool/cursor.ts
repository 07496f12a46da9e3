import type { Queryable, Transaction } from '@plimsoll/database'

/** Number of the last record of this spool that is in the store; 0 for one that the store has not met. */
export async function readCursor(db: Queryable, spool: string): Promise<number> {
  const { rows } = await db.query<{ sequence: number }>(
    'select sequence from telemetry.spool_cursors where spool = $1',
    [spool]
  )
  return rows[0]?.sequence ?? 0
}

/** The same, held until the transaction ends: two drains of one spool take turns. */
export async function lockCursor(tx: Transaction, spool: string): Promise<number> {
  await tx.query('insert into telemetry.spool_cursors (spool) values ($1) on conflict do nothing', [spool])
  const { rows } = await tx.query<{ sequence: number }>(
    'select sequence from telemetry.spool_cursors where spool = $1 for update',
    [spool]
  )
  return rows[0]!.sequence
}

export async function moveCursor(tx: Transaction, spool: string, sequence: number): Promise<void> {
  await tx.query('update telemetry.spool_cursors set sequence = $2, moved_at = now() where spool = $1', [
    spool,
    sequence
  ])
}
