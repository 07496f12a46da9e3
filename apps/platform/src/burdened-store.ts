import type { Database } from '@plimsoll/database'

/** How a subscriber does its work: as it should, late, never, or failing at each message. */
export type Burden = 'none' | 'slow' | 'stuck' | 'poisoned'

export interface BurdenedStore {
  database: Database
  burden(kind: Burden): void
}

const lateMs = 5_000

/** For drills: the store of a subscriber whose own work, which is its procedures, goes wrong while the store is well. */
export function burdenedStore(inner: Database): BurdenedStore {
  let kind: Burden = 'none'
  let lifted = Promise.withResolvers<void>()
  const carried = async (): Promise<void> => {
    if (kind === 'poisoned') throw new Error('this message cannot be handled: a fault knob makes it so')
    if (kind === 'stuck') await lifted.promise
    if (kind === 'slow')
      await Promise.race([lifted.promise, new Promise(resolve => setTimeout(resolve, lateMs).unref())])
  }
  return {
    burden(next) {
      kind = next
      lifted.resolve()
      lifted = Promise.withResolvers()
    },
    database: {
      engine: inner.engine,
      exited: inner.exited,
      query: (sql, parameters) => inner.query(sql, parameters),
      exec: sql => inner.exec(sql),
      copyIn: (table, columns, rows) => inner.copyIn(table, columns, rows),
      transaction: (work, options) => inner.transaction(work, options),
      commit: (sql, parameters, notifications) => inner.commit(sql, parameters, notifications),
      call: (module, argument) => carried().then(() => inner.call(module, argument)),
      listen: (channel, listener) => inner.listen(channel, listener),
      statistics: () => inner.statistics(),
      close: () => inner.close()
    }
  }
}
