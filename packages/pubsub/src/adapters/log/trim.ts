import type { Transaction } from '@plimsoll/database'
import { withoutFirst } from './body.ts'

/** Segments that are looked into at once. */
const mostSegments = 100

/** Removes the oldest messages and their ids, `limit` at most: whole segments, and the beginning of the last. */
export async function trimSegments(
  tx: Transaction,
  schema: string,
  { topic, before, limit }: { topic: number; before: number; limit: number }
): Promise<number> {
  const { rows } = await tx.query<{ place: string; count: number; body: string }>(
    `select ctid::text as place, until - first as count, lines as body from "${schema}".segments
     where topic = $1 and published_at < $2 order by published_at, xid, position limit $3 for update`,
    [topic, new Date(before), Math.min(limit, mostSegments)]
  )
  const gone: string[] = []
  const whole: string[] = []
  for (const { place, count, body } of rows) {
    const left = limit - gone.length
    if (left <= 0) break
    const cut = withoutFirst(body, Math.min(count, left))
    gone.push(...cut.ids)
    if (count <= left) whole.push(place)
    else {
      await tx.query(
        `update "${schema}".segments set first = first + $2, lines = $3, bytes = $4 where ctid = $1::tid`,
        [place, left, cut.body, cut.body.length]
      )
    }
  }
  await tx.query(`delete from "${schema}".segments where ctid = any($1::tid[])`, [whole])
  await tx.query(`delete from "${schema}".ids where topic = $1 and id = any($2::text[])`, [topic, gone])
  return gone.length
}
