import { type Database, DatabaseError } from '@plimsoll/database'

/** A store that can be made to be away, as one is whose server cannot be reached. */
export interface AbsentStore {
  database: Database
  /** Until so many milliseconds from now nothing reaches it; 0 brings it back. What is under way ends as it would. */
  away(ms: number): void
}

/** For drills and tests on a store that cannot be cut off: an embedded one shares our process. */
export function absentStore(inner: Database): AbsentStore {
  let until = 0
  const reached = async <T>(work: () => Promise<T>): Promise<T> => {
    if (performance.now() < until) throw new DatabaseError('the store is away: a fault knob keeps it so', '08006')
    return work()
  }
  return {
    away(ms) {
      until = performance.now() + ms
    },
    database: {
      engine: inner.engine,
      query: (sql, parameters) => reached(() => inner.query(sql, parameters)),
      exec: sql => reached(() => inner.exec(sql)),
      copyIn: (table, columns, rows) => reached(() => inner.copyIn(table, columns, rows)),
      transaction: (work, options) => reached(() => inner.transaction(work, options)),
      commit: (sql, parameters, notifications) => reached(() => inner.commit(sql, parameters, notifications)),
      call: (module, argument) => reached(() => inner.call(module, argument)),
      listen: (channel, listener) => inner.listen(channel, listener),
      statistics: () => reached(() => inner.statistics()),
      exited: inner.exited,
      close: () => inner.close()
    }
  }
}
