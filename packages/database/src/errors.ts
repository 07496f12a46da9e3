/** A statement or a connection failed. `code` is PostgreSQL's SQLSTATE, or one of ours for failures outside the server. */
export class DatabaseError extends Error {
  override name = 'DatabaseError'
  readonly code: string
  readonly detail: string | undefined
  readonly constraint: string | undefined

  constructor(
    message: string,
    code: string,
    extra: { detail?: string | undefined; constraint?: string | undefined; cause?: unknown } = {}
  ) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause })
    this.code = code
    this.detail = extra.detail
    this.constraint = extra.constraint
  }
}

/** The directory belongs to another process. */
export class DirectoryLockedError extends DatabaseError {
  override name = 'DirectoryLockedError'
  readonly pid: number
  constructor(directory: string, pid: number) {
    super(
      `${directory} is open in process ${pid}. Stop that process, or choose another directory: two processes cannot share an embedded database.`,
      'PLIMSOLL_DIRECTORY_LOCKED'
    )
    this.pid = pid
  }
}

/** The database was closed, or its engine died, before the statement could be answered. */
export class DatabaseClosedError extends DatabaseError {
  override name = 'DatabaseClosedError'
  constructor(cause?: unknown) {
    super(
      cause instanceof Error ? `the database engine stopped: ${cause.message}` : 'the database is closed',
      'PLIMSOLL_DATABASE_CLOSED',
      { cause }
    )
  }
}

/** A queue in front of the database is full: nothing was written, and the caller may try again later. */
export class QueueFullError extends DatabaseError {
  override name = 'QueueFullError'
  constructor(limit: number) {
    super(`${limit} writes are waiting already; nothing of this one was written`, 'PLIMSOLL_QUEUE_FULL')
  }
}

const transient = new Set(['40001', '40P01'])

/** True for failures that a fresh transaction may not meet: serialisation failures and deadlocks. */
export function isTransient(error: unknown): boolean {
  return error instanceof DatabaseError && transient.has(error.code)
}

/** True when a unique or primary key refused a row. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '23505'
}

/**
 * True when the store cannot take anything now: connection classes 08 and 57P, refused sockets, a dead engine, and class
 * 53, no more disk, memory or connections.
 */
export function isUnavailable(error: unknown): boolean {
  return (
    error instanceof DatabaseError &&
    (error.code.startsWith('08') ||
      error.code.startsWith('57P') ||
      error.code.startsWith('53') ||
      error.code === 'PLIMSOLL_DATABASE_CLOSED' ||
      /^E[A-Z]+$/.test(error.code))
  )
}
