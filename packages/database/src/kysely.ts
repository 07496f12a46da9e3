import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult
} from 'kysely'
import type { Queryable } from './database.ts'

/**
 * Typed SQL over a database or a transaction. Open transactions with `database.transaction` and pass the transaction
 * here; Kysely's own `transaction()` is refused, because a commit listener would not hear of it.
 */
export function typed<Schema>(queryable: Queryable): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new QueryableDriver(queryable),
      createIntrospector: db => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler()
    }
  })
}

class QueryableDriver implements Driver {
  #connection: DatabaseConnection

  constructor(queryable: Queryable) {
    this.#connection = {
      async executeQuery<R>(compiled: CompiledQuery): Promise<QueryResult<R>> {
        const { rows, affected } = await queryable.query<R>(compiled.sql, compiled.parameters)
        return { rows, numAffectedRows: BigInt(affected) }
      },
      streamQuery() {
        throw new Error('streaming is not offered; read in pages')
      }
    }
  }

  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }
  async beginTransaction(): Promise<void> {
    throw new Error('use database.transaction(tx => typed(tx)…) in place of Kysely’s transaction()')
  }
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}
