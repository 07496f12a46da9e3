import { type Database, isUnavailable } from '@plimsoll/database'
import type { BlackBox } from './black-box.ts'

/** Connections that a store of each engine has: an embedded one is one engine, a pool of `@plimsoll/database` has ten. */
const sizeOf = { pglite: 1, postgres: 10 } as const

/** Watches a store as `store.NAME.*`, without asking it anything: one that is stuck must be seen to be so. */
export function watchStore(name: string, inner: Database, blackBox: BlackBox): Database {
  const size = sizeOf[inner.engine]
  const running = new Map<number, number>()
  let next = 0
  let up = true
  let commits = 0
  let commitMs = 0
  let rollbacks = 0
  let failed = 0

  const answered = (isUp: boolean, why: string) => {
    if (isUp === up) return
    up = isUp
    blackBox.happened('store', { subject: name, detail: { state: isUp ? 'up' : 'away', why } })
  }
  const watched = async <T>(work: () => Promise<T>, isCommit: boolean): Promise<T> => {
    const id = next++
    const began = performance.now()
    running.set(id, began)
    try {
      const result = await work()
      answered(true, 'it answers')
      if (isCommit) {
        commits++
        commitMs += performance.now() - began
      }
      return result
    } catch (error) {
      if (isUnavailable(error)) {
        failed++
        answered(false, error instanceof Error ? error.message : String(error))
        blackBox.failed(name, error)
      } else if (isCommit) rollbacks++
      throw error
    } finally {
      running.delete(id)
    }
  }

  void inner.exited.then(why => {
    if (why) answered(false, why.message)
  })
  blackBox.add(() => {
    const [oldest] = running.values()
    const figures: Record<string, number> = {
      [`store.${name}.up`]: up ? 1 : 0,
      [`store.${name}.commits`]: commits,
      [`store.${name}.rollbacks`]: rollbacks,
      [`store.${name}.failed`]: failed,
      [`store.${name}.waiting`]: Math.max(0, running.size - size),
      [`store.${name}.in-use`]: Math.min(size, running.size),
      [`store.${name}.size`]: size,
      [`store.${name}.held`]: oldest === undefined ? 0 : performance.now() - oldest
    }
    if (commits > 0) figures[`store.${name}.commit`] = commitMs / commits
    commits = commitMs = rollbacks = failed = 0
    return figures
  })
  return {
    engine: inner.engine,
    exited: inner.exited,
    query: (sql, parameters) => watched(() => inner.query(sql, parameters), false),
    exec: sql => watched(() => inner.exec(sql), false),
    copyIn: (table, columns, rows) => watched(() => inner.copyIn(table, columns, rows), false),
    transaction: (work, options) => watched(() => inner.transaction(work, options), true),
    commit: (sql, parameters, notifications) => watched(() => inner.commit(sql, parameters, notifications), true),
    call: (module, argument) => watched(() => inner.call(module, argument), true),
    listen: (channel, listener) => inner.listen(channel, listener),
    statistics: () => inner.statistics(),
    close: () => inner.close()
  }
}
