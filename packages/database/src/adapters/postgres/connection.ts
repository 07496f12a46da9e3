import type pg from 'pg'
import { copyStatement } from '../../copy-rows.ts'
import type { Queryable } from '../../database.ts'
import { DatabaseError } from '../../errors.ts'
import { encodeParameter } from '../../values.ts'
import { copyIn } from './copy-in.ts'
import { answeredWithin } from './statement-limit.ts'

/**
 * The statements of one connection of the pool, each answered within `limitMs` or given up with its connection. Those that are
 * made together are sent together, and run in the order in which they were made.
 */
export function statementsOf(client: pg.PoolClient, limitMs: number): Queryable & { prepared: Queryable['query'] } {
  let last: Promise<unknown> = Promise.resolve()
  const ask = <T>(statement: () => Promise<T>): Promise<T> => {
    const mine = answeredWithin(client, { limitMs, after: last }, statement).catch(error => {
      throw translate(error)
    })
    last = mine.catch(() => undefined)
    return mine
  }
  return {
    query: <R>(sql: string, parameters: readonly unknown[] = []) =>
      ask(async () => {
        const { rows, rowCount } = await client.query(sql, parameters.map(encodeParameter))
        return { rows: rows as R[], affected: rowCount ?? 0 }
      }),
    prepared: <R>(text: string, parameters: readonly unknown[] = []) =>
      ask(async () => {
        const values = parameters.map(encodeParameter)
        const { rows, rowCount } = await client.query({ name: nameOf(text), text, values })
        return { rows: rows as R[], affected: rowCount ?? 0 }
      }),
    exec: sql =>
      ask(async () => {
        await client.query(sql)
      }),
    copyIn: (table, columns, rows) => ask(() => copyIn(client, copyStatement(table, columns, 'stdin', rows), rows))
  }
}

const names = new Map<string, string>()

/** Of a prepared statement, the same on every connection. */
function nameOf(text: string): string {
  const name = names.get(text) ?? `plimsoll-${names.size}`
  names.set(text, name)
  return name
}

/** What the client threw, as ours: with the server's code, or 08006 when the connection is what failed. */
export function translate(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error
  const { message, code, detail, constraint } = error as {
    message?: string
    code?: string
    detail?: string
    constraint?: string
  }
  // "Not queryable": the connection broke before, and another statement of the same transaction was told so.
  const lost =
    /terminat|timeout exceeded|timeout expired|Connection ended|closed the connection|not queryable|Premature close/i.test(
      message ?? ''
    )
  // A stream's own code says nothing of the server.
  const told = code?.startsWith('ERR_') ? undefined : code
  return new DatabaseError(message ?? String(error), told ?? (lost ? '08006' : 'XX000'), {
    detail,
    constraint,
    cause: error
  })
}
