import pg from 'pg'
import type { CopyData } from '../../database.ts'

/** What a query of `pg` does that its types leave out. */
interface Wire {
  stream: { cork(): void; uncork(): void; destroy(error: Error): void }
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/**
 * COPY with its rows right behind it, so that it takes its place among statements that are sent without waiting for each
 * other. A client may wait to be asked for the rows and need not: a server that refuses the statement, or one of the rows,
 * drops what still comes of them (PostgreSQL's protocol, "COPY Operations").
 */
class CopyIn extends pg.Query {
  constructor(sql: string, rows: CopyData, done: (error: Error | undefined, result: pg.ResultBuilder) => void) {
    super(sql, done)
    const bytes =
      typeof rows === 'string' ? Buffer.from(rows) : Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)
    const submit = this.submit
    this.submit = connection => {
      const wire = connection as unknown as Wire
      wire.stream.cork()
      try {
        submit.call(this, connection)
        wire.sendCopyFromChunk(bytes)
        wire.endCopyFrom()
      } catch (error) {
        // The server would wait for rows, and take what comes next for them.
        wire.stream.destroy(error as Error)
      } finally {
        wire.stream.uncork()
      }
    }
  }

  /** The rows are on their way. */
  handleCopyInResponse(): void {}
}

/** Resolves with the number of rows. */
export function copyIn(client: pg.PoolClient, sql: string, rows: CopyData): Promise<number> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(sql, rows, (error, result) => (error ? reject(error) : resolve(result.rowCount ?? 0))))
  })
}
