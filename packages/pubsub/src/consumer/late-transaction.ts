import { type CopyData, type Database, DatabaseError, type Transaction } from '@plimsoll/database'

type Last = (tx: Transaction) => Promise<unknown>

/**
 * A transaction that begins with its first statement. A handler that makes none costs no trip to the database, no connection
 * and, embedded, nobody's turn.
 */
export class LateTransaction implements Transaction {
  readonly engine: Database['engine']
  #database: Database
  #before: () => Promise<void>
  #begun: Promise<Transaction> | undefined
  #done: Promise<void> = Promise.resolve()
  #last = Promise.withResolvers<Last>()
  #over = false

  /** `before` is waited for before it begins, and while it holds no connection. When that rejects, so does the statement. */
  constructor(database: Database, before: () => Promise<void>) {
    this.engine = database.engine
    this.#database = database
    this.#before = before
  }

  get begun(): boolean {
    return this.#begun !== undefined
  }

  query: Transaction['query'] = (sql, parameters) => this.#begin().then(tx => tx.query(sql, parameters))

  exec(sql: string): Promise<void> {
    return this.#begin().then(tx => tx.exec(sql))
  }

  copyIn(table: string, columns: readonly string[], rows: CopyData): Promise<number> {
    return this.#begin().then(tx => tx.copyIn(table, columns, rows))
  }

  notify(channel: string, detail?: unknown): void {
    this.#begin().then(
      tx => tx.notify(channel, detail),
      () => undefined
    )
  }

  /** Runs what comes last, and commits. Of no use to one that has not begun. */
  async commit(last: Last): Promise<void> {
    this.#over = true
    this.#last.resolve(last)
    await this.#done
  }

  async rollback(why: unknown): Promise<void> {
    this.#over = true
    this.#last.promise.catch(() => undefined)
    this.#last.reject(why)
    await this.#done.catch(() => undefined)
  }

  /** Every statement passes the same promise, so they keep the order in which they are made. */
  #begin(): Promise<Transaction> {
    if (this.#over) {
      return Promise.reject(new DatabaseError('the transaction is over; nothing of this statement was done', '25P01'))
    }
    if (!this.#begun) {
      const { promise, resolve, reject } = Promise.withResolvers<Transaction>()
      this.#begun = promise
      this.#done = this.#run(resolve)
      this.#done.catch(reject)
      promise.catch(() => undefined)
    }
    return this.#begun
  }

  async #run(begun: (tx: Transaction) => void): Promise<void> {
    await this.#before()
    await this.#database.transaction(async tx => {
      begun(tx)
      const last = await this.#last.promise
      await last(tx)
    })
  }
}
