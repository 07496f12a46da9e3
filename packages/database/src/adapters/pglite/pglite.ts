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
import { type DirectoryLock, lockDirectory } from '../../directory-lock.ts'
import { DatabaseClosedError } from '../../errors.ts'
import { CommitListeners } from '../../listeners.ts'
import { runTransaction } from '../../transaction.ts'
import { EngineThread } from './connection.ts'
import { createDirectory } from './create.ts'
import { WriteAhead } from './write-ahead.ts'

export interface PgliteOptions {
  /**
   * Lets every other thread of the machine go first when there are more than cores: for a store whose work others do not
   * wait for, such as read models that follow a log. On Linux only; elsewhere all are equal. Default false.
   */
  background?: boolean
}

/** Opens (making it first if it is new) an embedded database in `directory`, held by this process alone. */
export async function openPglite(directory: string, options: PgliteOptions = {}): Promise<Database> {
  const lock = lockDirectory(directory)
  try {
    await createDirectory(directory)
    return new PgliteDatabase(await EngineThread.start(directory, options.background ?? false), lock, directory)
  } catch (error) {
    lock.release()
    throw error
  }
}

class PgliteDatabase implements Database {
  readonly engine = 'pglite' as const
  readonly exited: Promise<Error | undefined>
  #thread: EngineThread
  #lock: DirectoryLock
  #writeAhead: WriteAhead
  #listeners = new CommitListeners()
  /** Settled when the last transaction is over. */
  #exclusive: Promise<void> = Promise.resolve()
  /** Settled when everything that was taken is over. */
  #turn: Promise<void> = Promise.resolve()
  #waiting = 0
  #commits = 0
  #rollbacks = 0
  #closing: Promise<void> | undefined

  constructor(thread: EngineThread, lock: DirectoryLock, directory: string) {
    this.#thread = thread
    this.#lock = lock
    this.#writeAhead = new WriteAhead({ directory, checkpoint: () => this.exec('checkpoint') })
    thread.onSegment = segment => this.#writeAhead.begun(segment)
    this.exited = thread.exited.then(why => {
      lock.release()
      return why
    })
  }

  /**
   * One connection, first come first served. Single statements and procedures are handed to the engine's thread as they
   * come, which runs them one after another: the next one is there when the one before ends, and the engine does not
   * stand idle while this thread is busy. A transaction has the engine to itself: it waits for all before it, and all
   * after it wait for it.
   */
  #handedOver<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#begin(this.#exclusive, work)
    this.#turn = settled([this.#turn, mine])
    return mine
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#begin(this.#turn, work)
    this.#exclusive = this.#turn = settled([mine])
    return mine
  }

  #begin<T>(after: Promise<void>, work: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(new DatabaseClosedError())
    this.#waiting++
    return after.then(() => {
      this.#waiting--
      return work()
    })
  }

  query<R>(sql: string, parameters: readonly unknown[] = []): Promise<Result<R>> {
    return this.#handedOver(() => this.#thread.query<R>(sql, parameters))
  }

  exec(sql: string): Promise<void> {
    return this.#handedOver(() => this.#thread.exec(sql))
  }

  copyIn(table: string, columns: readonly string[], rows: CopyData): Promise<number> {
    return this.#handedOver(() => this.#thread.copyIn(table, columns, rows))
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#alone(async () => {
      try {
        const { result, notifications } = await runTransaction(this.engine, this.#thread, work, options)
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
    const result = await this.query<R>(sql, parameters)
    this.#commits++
    this.#listeners.committed(notifications)
    return result
  }

  call<Outcome>(module: URL, argument: unknown): Promise<Outcome> {
    return this.#handedOver(async () => {
      const { result, notifications, commits, rollbacks } = await this.#thread.call(module, argument)
      this.#commits += commits
      this.#rollbacks += rollbacks
      this.#listeners.committed(new Map(notifications))
      return result as Outcome
    })
  }

  listen(channel: string, listener: CommitListener): () => void {
    return this.#listeners.listen(channel, listener)
  }

  async statistics(): Promise<DatabaseStatistics> {
    const syncs = await this.#thread.syncs()
    return { commits: this.#commits, rollbacks: this.#rollbacks, syncs, waiting: this.#waiting }
  }

  close(): Promise<void> {
    this.#closing ??= this.#turn.then(async () => {
      await this.#writeAhead.close()
      await this.#thread.close()
      this.#lock.release()
    })
    return this.#closing
  }
}

/** Says when, and not with what: each turn waits for the one before, and would hold every answer that was ever given. */
const settled = (work: Promise<unknown>[]): Promise<void> => Promise.allSettled(work).then(() => undefined)
