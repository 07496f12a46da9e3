import pg from 'pg'
import type {
  CommitListener,
  CopyData,
  Database,
  DatabaseStatistics,
  Notifications,
  Result,
  Transaction,
  TransactionOptions
} from '../../database.ts'
import { DatabaseClosedError } from '../../errors.ts'
import { CommitListeners } from '../../listeners.ts'
import type { Procedure } from '../../procedure.ts'
import { runTransaction } from '../../transaction.ts'
import { parserFor } from '../../values.ts'
import { statementsOf, translate } from './connection.ts'
import { checkedLimit, endAfterGoodbye } from './statement-limit.ts'

export interface PostgresOptions {
  /** Connections at most. Default 10. */
  poolSize?: number
  /** How long a caller waits for a connection, the making of one included, in milliseconds. Default 5,000. */
  acquireTimeoutMs?: number
  /**
   * How long a statement may go without its answer, in milliseconds, before its connection is given up and it rejects as
   * with a server that cannot be reached (08006). Infinity for no limit. Default 15,000.
   */
  statementTimeoutMs?: number
}

/** Before a connection that says nothing is asked whether its other end is there, in milliseconds. */
const keepAliveMs = 10_000

/**
 * What the server is asked to see to by itself. Cut off in the middle of a transaction, it would keep that, and its locks,
 * for hours: the same events, sent again, would wait behind them.
 */
const session = {
  timezone: 'UTC',
  tcp_keepalives_idle: keepAliveMs / 1_000,
  tcp_keepalives_interval: 2,
  tcp_keepalives_count: 5,
  idle_in_transaction_session_timeout: 30_000
}

/** Opens a pool on a PostgreSQL server and checks that it answers. */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<Database> {
  const statementTimeoutMs = checkedLimit('statementTimeoutMs', options.statementTimeoutMs ?? 15_000)
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: options.acquireTimeoutMs ?? 5_000,
    types: { getTypeParser: parserFor as unknown as typeof pg.types.getTypeParser },
    options: Object.entries(session)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    // Sent without waiting for the answer to the one before, which may wait for a turn of a busy event loop.
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    application_name: 'plimsoll'
  })
  // An idle connection that breaks is replaced by the pool on next use; without a listener it would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', endAfterGoodbye)
  const database = new PostgresDatabase(pool, statementTimeoutMs)
  try {
    await database.query('select 1')
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

class PostgresDatabase implements Database {
  readonly engine = 'postgres' as const
  readonly exited: Promise<Error | undefined>
  #pool: pg.Pool
  #statementTimeoutMs: number
  #listeners = new CommitListeners()
  #running = new Set<Promise<unknown>>()
  #commits = 0
  #rollbacks = 0
  #closing: Promise<void> | undefined
  #left!: (why: undefined) => void

  constructor(pool: pg.Pool, statementTimeoutMs: number) {
    this.#pool = pool
    this.#statementTimeoutMs = statementTimeoutMs
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
      client.release(broken ?? stuck(client))
    }
  }

  #statement<T>(ask: (statements: ReturnType<typeof statementsOf>) => Promise<T>): Promise<T> {
    return this.#connected(client => ask(statementsOf(client, this.#statementTimeoutMs)))
  }

  query<R>(sql: string, parameters?: readonly unknown[]): Promise<Result<R>> {
    return this.#statement(statements => statements.query<R>(sql, parameters))
  }

  exec(sql: string): Promise<void> {
    return this.#statement(statements => statements.exec(sql))
  }

  copyIn(table: string, columns: readonly string[], rows: CopyData): Promise<number> {
    return this.#statement(statements => statements.copyIn(table, columns, rows))
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    const limitMs = checkedLimit('statementTimeoutMs', options?.statementTimeoutMs ?? this.#statementTimeoutMs)
    return this.#connected(async client => {
      const connection = statementsOf(client, limitMs)
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

  async commit<R>(sql: string, parameters: readonly unknown[], notifications: Notifications): Promise<Result<R>> {
    const result = await this.#statement(statements => statements.prepared<R>(sql, parameters))
    this.#commits++
    this.#listeners.committed(notifications)
    return result
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

/** A connection that is inside of a transaction still, whose rollback was refused, is of no use to the next. */
function stuck(client: pg.PoolClient): Error | undefined {
  const status = client.getTransactionStatus()
  return status === 'T' || status === 'E' ? new Error('the connection was left inside of a transaction') : undefined
}
