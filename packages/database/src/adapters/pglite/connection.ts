import { Worker } from 'node:worker_threads'
import { copyStatement } from '../../copy-rows.ts'
import type { CopyData, Queryable, Result } from '../../database.ts'
import { DatabaseClosedError, DatabaseError } from '../../errors.ts'
import { encodeParameter } from '../../values.ts'
import type { Ask, Called, Tell, WireError } from './protocol.ts'

interface Waiting {
  resolve(tell: Tell): void
  reject(error: Error): void
}

type Bytes = Uint8Array<ArrayBuffer>
type Question = Ask extends infer A ? (A extends { id: number } ? Omit<A, 'id'> : never) : never

function unwire(error: WireError): DatabaseError {
  return new DatabaseError(error.message, error.code, { detail: error.detail, constraint: error.constraint })
}

/** The main thread's end of the worker: questions by number, answers by the same number. */
export class EngineThread implements Queryable {
  readonly exited: Promise<Error | undefined>
  /** Called when the engine has begun to write another segment of its write-ahead log. */
  onSegment: ((segment: string) => void) | undefined
  #worker: Worker
  #waiting = new Map<number, Waiting>()
  #next = 1
  #dead: Error | undefined
  #closing = false

  private constructor(worker: Worker) {
    this.#worker = worker
    let failure: Error | undefined
    worker.on('message', (tell: Tell) => this.#told(tell))
    worker.on('error', error => {
      failure = error instanceof Error ? error : new Error(String(error))
    })
    this.exited = new Promise(resolve => {
      worker.once('exit', () => {
        this.#dead = new DatabaseClosedError(failure)
        for (const { reject } of this.#waiting.values()) reject(this.#dead)
        this.#waiting.clear()
        resolve(this.#closing ? undefined : (failure ?? new Error('the embedded engine exited by itself')))
      })
    })
  }

  static async start(directory: string, background: boolean): Promise<EngineThread> {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: { directory, background },
      // Flags of the process (such as --eval's) are not the worker's business.
      execArgv: []
    })
    const thread = new EngineThread(worker)
    await new Promise<void>((resolve, reject) => {
      worker.once('message', (tell: Tell) => {
        if ('failed' in tell) reject(unwire(tell.failed))
        else resolve()
      })
      void thread.exited.then(why => reject(new DatabaseClosedError(why)))
    })
    return thread
  }

  #told(tell: Tell): void {
    if ('segment' in tell) this.onSegment?.(tell.segment)
    if (!('id' in tell)) return
    const waiting = this.#waiting.get(tell.id)
    if (!waiting) return
    this.#waiting.delete(tell.id)
    if ('error' in tell) waiting.reject(unwire(tell.error))
    else waiting.resolve(tell)
  }

  #ask(question: Question, transfer: ArrayBuffer[] = []): Promise<Tell> {
    if (this.#dead) return Promise.reject(this.#dead)
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ ...question, id }, transfer)
    })
  }

  async query<R>(sql: string, parameters: readonly unknown[] = []): Promise<Result<R>> {
    const tell = await this.#ask({ op: 'query', sql, parameters: parameters.map(encodeParameter) })
    const { columns, rows, affected } = tell as Extract<Tell, { columns: string[] }>
    return { rows: rows.map(row => toObject(columns, row)) as R[], affected }
  }

  async exec(sql: string): Promise<void> {
    await this.#ask({ op: 'exec', sql })
  }

  async copyIn(table: string, columns: readonly string[], rows: CopyData): Promise<number> {
    const sql = copyStatement(table, columns, "'/dev/blob'", rows)
    // Bytes change hands between the threads without a copy; a string would be copied and encoded over there.
    const bytes = typeof rows === 'string' ? new TextEncoder().encode(rows) : rows
    const tell = await this.#ask({ op: 'copy', sql, bytes }, [bytes.buffer])
    return (tell as { value: number }).value
  }

  async call(module: URL, argument: unknown): Promise<Called> {
    const tell =
      argument instanceof Uint8Array
        ? await this.#ask({ op: 'call', module: module.href, argument: argument as Bytes }, [
            argument.buffer as ArrayBuffer
          ])
        : await this.#ask({ op: 'call', module: module.href, argument: JSON.stringify(argument) ?? 'null' })
    const { result, ...rest } = tell as Extract<Tell, { result: string }>
    return { ...rest, result: result === '' ? undefined : JSON.parse(result) }
  }

  async syncs(): Promise<number> {
    return ((await this.#ask({ op: 'syncs' })) as { value: number }).value
  }

  async close(): Promise<void> {
    if (this.#dead) return
    this.#closing = true
    await this.#ask({ op: 'close' }).catch(() => undefined)
    await this.exited
  }
}

/** A structured clone turns a Buffer into a bare Uint8Array; give back what the contract says. */
function toObject(columns: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (let i = 0; i < columns.length; i++) {
    const value = row[i]
    object[columns[i]!] =
      value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value
  }
  return object
}
