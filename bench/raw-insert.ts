import { randomUUIDv7 } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, open } from '@plimsoll/database'
import { bucketOf, migrateLog } from '@plimsoll/eventlog'
import { bodyMaker } from './load/bodies.ts'

/**
 * The floor under the write side: the same event rows, into the same table of the same store with the same durability,
 * by the plainest fast statement (`insert … select from unnest`), `rows` a transaction and nothing else: no parsing, no
 * checking, no sessions, no ledger.
 */
export class RawInsert {
  #database: Database
  #clean: () => Promise<void>
  #prepared: unknown[][][] = []

  private constructor(database: Database, clean: () => Promise<void>) {
    this.#database = database
    this.#clean = clean
  }

  static async open(databaseUrl: string | undefined): Promise<RawInsert> {
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-raw-'))
    const database = await open(databaseUrl || `pglite://${join(folder, 'db')}`)
    await migrateLog(database)
    return new RawInsert(database, async () => {
      await database.close()
      await rm(folder, { recursive: true, force: true })
    })
  }

  /** Makes the rows beforehand: only the statement is timed. */
  prepare(transactions: number, rows: number): void {
    const make = bodyMaker({ kind: 'batch', users: 100_000, batchSize: rows, worker: 4_000 })
    this.#prepared = Array.from({ length: transactions }, () => {
      const events = JSON.parse(make().text) as {
        type: string
        time: string
        user: { id: string }
        session: { id: string }
        data: object
      }[]
      const ids = events.map(() => randomUUIDv7())
      return [
        ids.map(bucketOf),
        events.map(() => 'bench-raw'),
        ids,
        events.map(e => e.type),
        events.map(e => e.time),
        events.map(e => e.session.id),
        events.map(e => e.user.id),
        events.map((_, i) => String(i * 7_919)),
        events.map(e => JSON.stringify(e.data))
      ]
    })
  }

  /** Rows a second, one connection for each of `connections`. */
  async run(connections: number): Promise<number> {
    const work = this.#prepared.splice(0)
    const rows = work.reduce((sum, columns) => sum + columns[0]!.length, 0)
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: connections }, async () => {
        for (let columns = work.pop(); columns; columns = work.pop()) {
          await this.#database.query(
            `insert into eventlog.entries (bucket, tenant, id, type, time, stream, subject, digest, data)
             select * from unnest($1::int[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::uuid[], $7::text[], $8::bigint[], $9::json[])`,
            columns
          )
        }
      })
    )
    return rows / ((performance.now() - startedAt) / 1000)
  }

  close(): Promise<void> {
    return this.#clean()
  }
}
