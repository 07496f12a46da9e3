import type { PGlite } from '@electric-sql/pglite'
import { copyStatement } from '../../copy-rows.ts'
import type { Queryable } from '../../database.ts'
import { inOrder } from '../../in-order.ts'
import { encodeParameter } from '../../values.ts'

/** The engine as a `Queryable` in its own thread, for procedures: no message, no copy. */
export function localConnection(engine: PGlite): Queryable {
  return inOrder({
    async query<R>(sql: string, parameters: readonly unknown[] = []) {
      const { rows, affectedRows } = await engine.query<R>(sql, parameters.map(encodeParameter))
      return { rows, affected: affectedRows || rows.length }
    },
    async exec(sql) {
      await engine.exec(sql)
    },
    async copyIn(table, columns, rows) {
      const sql = copyStatement(table, columns, "'/dev/blob'", rows)
      return (await engine.query(sql, [], { blob: new Blob([rows]) })).affectedRows ?? 0
    }
  })
}
