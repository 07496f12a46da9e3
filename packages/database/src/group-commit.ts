import { DatabaseClosedError, isTransient, isUnavailable, isUniqueViolation, QueueFullError } from './errors.ts'

export interface GroupCommitOptions<I, O> {
  /**
   * Writes a batch in one transaction and returns one outcome an item, in order. May be called again for the same items
   * after it rejected, so it must change nothing but the database.
   */
  commit(items: readonly I[]): Promise<readonly O[]>
  /** Weight of one batch at most; an item heavier than this goes alone. Default 2,000. */
  maxBatch?: number
  /** Weight that may wait; beyond it `submit` rejects with `QueueFullError`. Default 20,000. */
  maxPending?: number
  /** Transactions at once. Default 1, which is all an embedded engine can use; 2 to 4 on a server. */
  committers?: number
  /**
   * Weight that must wait before a transaction begins beside one that runs already. Default 1. On an embedded engine,
   * which takes them one after another, a small batch that queues behind another had better grown while it waited.
   */
  beside?: number
  /**
   * Weight waiting from which the next transaction begins before the answers of the last are given, so that the engine
   * is at work while callers make what comes after. Default: never; whoever is answered may share the next one.
   */
  ahead?: number
  /** Fresh transactions after a unique violation or a serialisation failure, before a batch is split. Default 3. */
  retries?: number
}

interface Waiting<I, O> {
  item: I
  weight: number
  resolve(outcome: O): void
  reject(error: unknown): void
}

/**
 * Many callers, one transaction: what arrives while a commit is under way shares the next one, so the cost of a synced
 * commit is divided by the load. Each caller gets its own outcome or error; a batch that fails is halved until the item
 * at fault stands alone. The idea is PostgreSQL's own `commit_delay`, moved in front of the statement.
 */
export class GroupCommit<I, O> {
  #options: Required<GroupCommitOptions<I, O>>
  #queue: Waiting<I, O>[] = []
  #head = 0
  #pending = 0
  #running = 0
  /** Batches that were taken and not answered. */
  #owed = 0
  #scheduled = false
  #closed = false
  #idle: (() => void)[] = []

  constructor(options: GroupCommitOptions<I, O>) {
    this.#options = {
      maxBatch: 2_000,
      maxPending: 20_000,
      committers: 1,
      beside: 1,
      ahead: Number.POSITIVE_INFINITY,
      retries: 3,
      ...options
    }
  }

  /** Weight of what waits, not counting what is being written. */
  get pending(): number {
    return this.#pending
  }

  /** Resolves with the item's outcome after the commit that holds it. `weight` is its number of rows, default 1. */
  submit(item: I, weight = 1): Promise<O> {
    if (this.#closed) return Promise.reject(new DatabaseClosedError())
    if (this.#pending > 0 && this.#pending + weight > this.#options.maxPending) {
      return Promise.reject(new QueueFullError(this.#options.maxPending))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, weight, resolve, reject })
      this.#pending += weight
      this.#schedule()
    })
  }

  /** Resolves when nothing waits and nothing is being written. */
  drained(): Promise<void> {
    if (this.#pending === 0 && this.#owed === 0) return Promise.resolve()
    return new Promise(resolve => this.#idle.push(resolve))
  }

  /** Takes no more, and resolves when what was taken has been answered. */
  close(): Promise<void> {
    this.#closed = true
    return this.drained()
  }

  /** One turn of the event loop first, so that everything the sockets had ready shares the first commit. */
  #schedule(): void {
    if (this.#scheduled || !this.#mayBegin()) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      while (this.#mayBegin()) void this.#commitNext()
    })
  }

  #mayBegin(): boolean {
    if (this.#running >= this.#options.committers) return false
    return this.#pending >= (this.#running === 0 ? 1 : this.#options.beside)
  }

  async #commitNext(): Promise<void> {
    this.#running++
    this.#owed++
    const batch = this.#take()
    const answer = await this.#commit(batch)
    this.#running--
    if (this.#pending >= this.#options.ahead && this.#mayBegin()) {
      void this.#commitNext()
      // A client sends when the callers are at rest: answered now, they would have it wait until they have made what is next.
      await new Promise(resolve => setImmediate(resolve))
    }
    answer()
    this.#owed--
    if (this.#pending > 0) this.#schedule()
    else if (this.#owed === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #take(): Waiting<I, O>[] {
    const batch: Waiting<I, O>[] = []
    let weight = 0
    while (this.#head < this.#queue.length) {
      const next = this.#queue[this.#head]!
      if (batch.length > 0 && weight + next.weight > this.#options.maxBatch) break
      batch.push(next)
      weight += next.weight
      this.#head++
    }
    if (this.#head === this.#queue.length) {
      this.#queue = []
      this.#head = 0
    } else if (this.#head > 10_000) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    this.#pending -= weight
    return batch
  }

  /** Resolves with the way to answer those whose answer is still owed. */
  async #commit(batch: Waiting<I, O>[]): Promise<() => void> {
    for (let attempt = 0; ; attempt++) {
      try {
        const outcomes = await this.#options.commit(batch.map(w => w.item))
        return () => {
          for (let i = 0; i < batch.length; i++) batch[i]!.resolve(outcomes[i] as O)
        }
      } catch (error) {
        if ((isTransient(error) || isUniqueViolation(error)) && attempt < this.#options.retries) continue
        if (batch.length === 1 || isUnavailable(error)) {
          return () => {
            for (const waiting of batch) waiting.reject(error)
          }
        }
        const half = batch.length >> 1
        const answerFirst = await this.#commit(batch.slice(0, half))
        answerFirst()
        return await this.#commit(batch.slice(half))
      }
    }
  }
}
