import type {
  CommitListener,
  Database,
  DatabaseStatistics,
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

/** Opens (making it first if it is new) an embedded database in `directory`, held by this process alone. */
export async function openPglite(directory: string): Promise<Database> {
  const lock = lockDirectory(directory)
  try {
    await createDirectory(directory)
    return new PgliteDatabase(await EngineThread.start(directory), lock)
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
  #listeners = new CommitListeners()
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #commits = 0
  #rollbacks = 0
  #closing: Promise<void> | undefined

  constructor(thread: EngineThread, lock: DirectoryLock) {
    this.#thread = thread
    this.#lock = lock
    this.exited = thread.exited.then(why => {
      lock.release()
      return why
    })
  }

  /** One connection: everybody waits for their turn, first come, first served. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(new DatabaseClosedError())
    this.#waiting++
    const mine = this.#turn.then(() => {
      this.#waiting--
      return work()
    })
    this.#turn = mine.catch(() => undefined)
    return mine
  }

  query<R>(sql: string, parameters: readonly unknown[] = []): Promise<Result<R>> {
    return this.#inTurn(() => this.#thread.query<R>(sql, parameters))
  }

  exec(sql: string): Promise<void> {
    return this.#inTurn(() => this.#thread.exec(sql))
  }

  copyIn(table: string, columns: readonly string[], text: string): Promise<number> {
    return this.#inTurn(() => this.#thread.copyIn(table, columns, text))
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.#inTurn(async () => {
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

  call<Outcome>(module: URL, argument: unknown): Promise<Outcome> {
    return this.#inTurn(async () => {
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
      await this.#thread.close()
      this.#lock.release()
    })
    return this.#closing
  }
}
