/** Which engine answers. Both speak PostgreSQL; see docs/decisions/0001-one-dialect.md. */
export type Engine = 'pglite' | 'postgres'

export interface Result<R> {
  rows: R[]
  /** Rows inserted, updated, deleted or returned, as the server reports it. */
  affected: number
}

/**
 * Parameters are sent as text and typed by the server. Accepted: null and undefined (both NULL), strings, finite
 * numbers, bigints, booleans, Date, Uint8Array (bytea), arrays of those (PostgreSQL arrays), and plain objects (JSON).
 */
export type Parameter = unknown

export type CopyData = string | Uint8Array<ArrayBuffer>

export interface Queryable {
  /** Runs one statement with `$1`-style parameters. Rejects with `DatabaseError`. */
  query<R = Record<string, unknown>>(sql: string, parameters?: readonly Parameter[]): Promise<Result<R>>
  /** Runs several statements without parameters. */
  exec(sql: string): Promise<void>
  /**
   * Loads rows with COPY, the cheapest way in on both engines: text in COPY's text format (see `copyRow`), or bytes in its
   * binary one (see `copyRows`), which cost the server about two thirds of that and are the database's from then on.
   * A row that breaks a constraint fails the whole statement. Returns the number of rows.
   */
  copyIn(table: string, columns: readonly string[], rows: CopyData): Promise<number>
}

export interface Transaction extends Queryable {
  readonly engine: Engine
  /**
   * Tells in-process listeners of `channel` after this transaction has committed; nothing is told if it rolls back. A
   * listener is called once a commit, with the details of all notifications of its channel.
   */
  notify(channel: string, detail?: unknown): void
}

export interface TransactionOptions {
  isolation?: 'read committed' | 'repeatable read' | 'serializable'
  readOnly?: boolean
  /**
   * How long each statement may go without its answer, in milliseconds; Infinity for no limit. Default: the database's. An
   * embedded engine has none: it is this process's own.
   */
  statementTimeoutMs?: number
}

export type CommitListener = (details: readonly unknown[]) => void

/** Details to tell the listeners of a channel, by channel. */
export type Notifications = ReadonlyMap<string, readonly unknown[]>

/** What left the engine: `undefined` after a clean close, otherwise why it died. */
export type EngineExit = Error | undefined

export interface Database extends Queryable {
  readonly engine: Engine
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. Not nestable. Statements run
   * in the order in which they are made, so independent ones can be made together and awaited together.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /**
   * Runs one statement that is a transaction by itself, and tells listeners once it is committed. On a server it is one
   * trip, where `transaction` makes three, and its text stays prepared on the connection: for the few texts of a hot path.
   */
  commit<R = Record<string, unknown>>(
    sql: string,
    parameters: readonly Parameter[],
    notifications: Notifications
  ): Promise<Result<R>>
  /**
   * Runs the procedure that `module` exports by default, beside the engine: with an embedded one in its own thread, so
   * that a transaction of many statements costs one trip between threads and not one a statement. `argument` and the
   * outcome must survive a trip as JSON; bytes as the argument are passed on as they are and change hands: they
   * are the caller's no more. So are bytes right inside what the procedure's transactions notify, the rest of which must
   * survive a structured clone. Rejects with what the procedure threw; a `DatabaseError` keeps its code.
   */
  call<Outcome>(module: URL, argument: unknown): Promise<Outcome>
  /** Calls `listener` after each commit of this process that named `channel`. Returns the way to stop. */
  listen(channel: string, listener: CommitListener): () => void
  /** Figures for metrics: commits and rollbacks since open, and (embedded) how many times data was forced to disk. */
  statistics(): Promise<DatabaseStatistics>
  /** Resolves when the engine is gone, whether closed or crashed. */
  readonly exited: Promise<EngineExit>
  /** Lets what is running finish, then closes. Idempotent. */
  close(): Promise<void>
}

export interface DatabaseStatistics {
  commits: number
  rollbacks: number
  /** fdatasync calls seen by the embedded file system; `null` where the server does it out of sight. */
  syncs: number | null
  /** Statements waiting for a connection now. */
  waiting: number
}
