import { finished } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type {
  CommitListener,
  Database,
  DatabaseStatistics,
  Result,
  Transaction,
  TransactionOptions
} from '../../database.ts'
import { DatabaseClosedError, DatabaseError } from '../../errors.ts'
import { inOrder } from '../../in-order.ts'
import { CommitListeners } from '../../listeners.ts'
import type { Procedure } from '../../procedure.ts'
import { runTransaction } from '../../transaction.ts'
import { encodeParameter, parserFor } from '../../values.ts'

export interface PostgresOptions {
  /** Connections at most. Default 10. */
  poolSize?: number
  /** How long a caller waits for a connection, in milliseconds. Default 5,000. */
  acquireTimeoutMs?: number
}

/** Opens a pool on a PostgreSQL server and checks that it answers. */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: options.acquireTimeoutMs ?? 5_000,
    types: { getTypeParser: parserFor as unknown as typeof pg.types.getTypeParser },
    options: '-c timezone=UTC',
    application_name: 'plimsoll'
  })
  // An idle connection that breaks is replaced by the pool on next use; without a listener it would end the process.
  pool.on('error', () => undefined)
  const database = new PostgresDatabase(pool)
  try {
    await database.query('select 1')
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

function translate(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error
  const { message, code, detail, constraint } = error as {
    message?: string
    code?: string
    detail?: string
    constraint?: string
  }
  // "Not queryable": the connection broke before, and another statement of the same transaction was told so.
  const lost = /terminat|timeout exceeded|Connection ended|closed the connection|not queryable|Premature close/i.test(
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

async function run<R>(
  client: pg.ClientBase | pg.Pool,
  sql: string,
  parameters: readonly unknown[]
): Promise<Result<R>> {
  try {
    const { rows, rowCount } = await client.query(sql, parameters.map(encodeParameter))
    return { rows: rows as R[], affected: rowCount ?? 0 }
  } catch (error) {
    throw translate(error)
  }
}

async function execute(client: pg.ClientBase | pg.Pool, sql: string): Promise<void> {
  try {
    await client.query(sql)
  } catch (error) {
    throw translate(error)
  }
}

async function copy(client: pg.ClientBase, table: string, columns: readonly string[], text: string): Promise<number> {
  const stream = client.query(copyFrom(`copy ${table} (${columns.join(', ')}) from stdin`))
  try {
    stream.end(text)
    await finished(stream)
    return stream.rowCount
  } catch (error) {
    throw translate(error)
  }
}

class PostgresDatabase implements Database {
  readonly engine = 'postgres' as const
  readonly exited: Promise<Error | undefined>
  #pool: pg.Pool
  #listeners = new CommitListeners()
  #running = new Set<Promise<unknown>>()
  #commits = 0
  #rollbacks = 0
  #closing: Promise<void> | undefined
  #left!: (why: undefined) => void

  constructor(pool: pg.Pool) {
    this.#pool = pool
    this.exited = new Promise(resolve => {
      this.#left = resolve
    })
  }

  #connected<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(new DatabaseClosedError())
    const running = this.#withClient(work)
    this.#running.add(running)
    const done = () => this.#running.delete(running)
    running.then(done, done)
    return running
  }

  async #withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient
    try {
      client = await this.#pool.connect()
    } catch (error) {
      throw translate(error)
    }
    let broken: Error | undefined
    const onError = (error: Error) => {
      broken = error
    }
    client.on('error', onError)
    try {
      return await work(client)
    } finally {
      client.off('error', onError)
      client.release(broken)
    }
  }

  query<R>(sql: string, parameters: readonly unknown[] = []): Promise<Result<R>> {
    return this.#connected(client => run<R>(client, sql, parameters))
  }

  exec(sql: string): Promise<void> {
    return this.#connected(client => execute(client, sql))
  }

  copyIn(table: string, columns: readonly string[], text: string): Promise<number> {
    return this.#connected(client => copy(client, table, columns, text))
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#connected(async client => {
      const connection = inOrder({
        query: <R>(sql: string, parameters: readonly unknown[] = []) => run<R>(client, sql, parameters),
        exec: sql => execute(client, sql),
        copyIn: (table, columns, text) => copy(client, table, columns, text)
      })
      try {
        const { result, notifications } = await runTransaction(this.engine, connection, work, options)
        this.#commits++
        this.#listeners.committed(notifications)
        return result
      } catch (error) {
        this.#rollbacks++
        throw error
      }
    })
  }

  async call<Outcome>(module: URL, argument: unknown): Promise<Outcome> {
    const { default: procedure } = (await import(module.href)) as { default: Procedure<unknown, Outcome> }
    return procedure(this, argument)
  }

  listen(channel: string, listener: CommitListener): () => void {
    return this.#listeners.listen(channel, listener)
  }

  async statistics(): Promise<DatabaseStatistics> {
    return { commits: this.#commits, rollbacks: this.#rollbacks, syncs: null, waiting: this.#pool.waitingCount }
  }

  close(): Promise<void> {
    // The pool forgets callers that still wait for a connection when it ends, so they are let through first.
    this.#closing ??= Promise.allSettled(this.#running)
      .then(() => this.#pool.end())
      .then(() => this.#left(undefined))
    return this.#closing
  }
}
