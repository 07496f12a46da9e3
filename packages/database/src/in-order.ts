import type { Queryable, Result } from './database.ts'

/**
 * The same connection, with statements made together run one after the other: for a client that takes one at a time,
 * where callers may make several before they wait for the first.
 */
export function inOrder(connection: Queryable): Queryable {
  let turn: Promise<unknown> = Promise.resolve()
  const queue = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work)
    turn = mine.catch(() => undefined)
    return mine
  }
  return {
    query: <R>(sql: string, parameters?: readonly unknown[]): Promise<Result<R>> =>
      queue(() => connection.query<R>(sql, parameters)),
    exec: sql => queue(() => connection.exec(sql)),
    copyIn: (table, columns, rows) => queue(() => connection.copyIn(table, columns, rows))
  }
}
