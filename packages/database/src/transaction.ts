import type { Engine, Notifications, Queryable, Transaction, TransactionOptions } from './database.ts'
import { DatabaseError } from './errors.ts'

function beginStatement(options: TransactionOptions = {}): string {
  const isolation = options.isolation ? ` isolation level ${options.isolation}` : ''
  return `begin${isolation}${options.readOnly ? ' read only' : ''}`
}

/**
 * Statements run in the order in which they are made, so `work` may make several before it waits for the first.
 * Runs `work` between BEGIN and COMMIT on one connection. A statement that failed dooms the transaction even when
 * `work` swallowed its error: PostgreSQL would answer COMMIT with a silent rollback, so that is made an error here.
 */
export async function runTransaction<T>(
  engine: Engine,
  connection: Queryable,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions | undefined
): Promise<{ result: T; notifications: Notifications }> {
  const notifications = new Map<string, unknown[]>()
  /** Of the statements that failed the one that was made first. */
  let failure: { number: number; error: unknown } | undefined
  const refused = new WeakSet<object>()
  const underWay = new Set<Promise<unknown>>()
  let made = 0
  let over = false
  const watch = async <A>(statement: () => Promise<A>): Promise<A> => {
    // Of statements made together one may fail `work` while another still has a next one to make: that one would run
    // behind the rollback, outside any transaction, and stay.
    if (over) throw new DatabaseError('the transaction is over; nothing of this statement was done', '25P01')
    const number = made++
    const answer = statement()
    underWay.add(answer)
    try {
      return await answer
    } catch (error) {
      if (failure === undefined || number < failure.number) failure = { number, error }
      refused.add(error as object)
      throw error
    } finally {
      underWay.delete(answer)
    }
  }
  const settled = async () => {
    while (underWay.size > 0) await Promise.allSettled(underWay)
  }
  // BEGIN travels with the first statements: each round trip to the engine may wait for a turn of a busy event loop.
  const begun = connection.exec(beginStatement(options))
  begun.catch(() => undefined)
  try {
    const result = await work({
      engine,
      query: <R>(sql: string, parameters?: readonly unknown[]) => watch(() => connection.query<R>(sql, parameters)),
      exec: sql => watch(() => connection.exec(sql)),
      copyIn: (table, columns, rows) => watch(() => connection.copyIn(table, columns, rows)),
      notify(channel, detail) {
        const details = notifications.get(channel) ?? []
        notifications.set(channel, details)
        if (detail !== undefined) details.push(detail)
      }
    })
    over = true
    await begun
    await settled()
    if (failure !== undefined) {
      throw new DatabaseError('a statement of this transaction failed, so it was rolled back', '25P02', {
        cause: failure.error
      })
    }
    await connection.exec('commit')
    return { result, notifications }
  } catch (error) {
    over = true
    await connection.exec('rollback').catch(() => undefined)
    await settled()
    // Made together, those behind a failed one are refused because of it, and may be heard of before it is.
    const isFollower = error instanceof DatabaseError && error.code === '25P02' && refused.has(error)
    throw isFollower ? failure!.error : error
  }
}
