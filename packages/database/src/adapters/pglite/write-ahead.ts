import { type FileHandle, link, open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface WriteAheadOptions {
  /** The engine's data directory. */
  directory: string
  /** Runs the engine's CHECKPOINT when its turn comes. */
  checkpoint(): Promise<void>
  /** Segments, of 16 MB each, from one checkpoint to the next. Default 16. */
  segmentsBetween?: number
}

/**
 * Sees to the write-ahead log of an embedded engine, which has none of the processes that do so on a server.
 *
 * Without a checkpointer the log would grow until the engine is closed, and after a kill all of it would be replayed. So
 * a checkpoint is made each `segmentsBetween` segments; what it has to force to disk is forced before, file by file on
 * the process's own disk threads, while the engine goes on.
 *
 * Without a WAL writer the engine itself would fill each new segment with zeros, 16 MB through its interpreter, while
 * everybody waits for a commit. So the next one is made meanwhile. PostgreSQL takes a segment that is there already, and
 * makes them so itself (PreallocXlogFiles); the name of the unfinished one is of those that it removes when it starts.
 */
export class WriteAhead {
  #directory: string
  #checkpoint: () => Promise<void>
  #segmentsBetween: number
  #since = 0
  #checkpointedAt = Date.now()
  #work: Promise<void> = Promise.resolve()
  #closed = false

  constructor({ directory, checkpoint, segmentsBetween = 16 }: WriteAheadOptions) {
    this.#directory = directory
    this.#checkpoint = checkpoint
    this.#segmentsBetween = segmentsBetween
  }

  /** The engine has begun to write this segment. */
  begun(segment: string): void {
    this.#since++
    this.#work = this.#work.then(async () => {
      if (this.#closed) return
      // Neither is needed to be right: without the one a commit is slower, without the other there is a next time.
      await this.#prepare(following(segment)).catch(() => undefined)
      if (this.#since >= this.#segmentsBetween) await this.#toCheckpoint().catch(() => undefined)
    })
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#work
  }

  /** Resolves when nothing is under way any more; what is asked later is not done. */
  close(): Promise<void> {
    this.#closed = true
    return this.#work
  }

  async #prepare(name: string): Promise<void> {
    const log = join(this.#directory, 'pg_wal')
    const path = join(log, name)
    if (await exists(path)) return
    const unfinished = join(log, 'xlogtemp.plimsoll')
    try {
      const file = await open(unfinished, 'w')
      try {
        // Not `write`, which may write less than it is given.
        for (let written = 0; written < segmentBytes; written += zeros.length) await file.writeFile(zeros)
        await file.datasync()
      } finally {
        await file.close()
      }
      // A link never replaces what the engine may have made meanwhile.
      await link(unfinished, path)
      // The engine forces what it writes into the file, not the file's name: a power cut would take both.
      await forceNames(log)
    } finally {
      // On a full disk above all: half of a segment helps nobody.
      await rm(unfinished, { force: true })
    }
  }

  async #toCheckpoint(): Promise<void> {
    const from = this.#checkpointedAt
    this.#checkpointedAt = Date.now()
    this.#since = 0
    await this.#forceChanged(from)
    if (!this.#closed) await this.#checkpoint()
  }

  /** Forces to disk the files of tables and indexes that were written after `from`, in milliseconds since 1970. */
  async #forceChanged(from: number): Promise<void> {
    const files = await readdir(join(this.#directory, 'base'), { recursive: true, withFileTypes: true })
    for (const entry of files) {
      if (this.#closed) return
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      let file: FileHandle | undefined
      try {
        // A file system may keep times by the second.
        if ((await stat(path)).mtimeMs < from - 2_000) continue
        file = await open(path, 'r+')
        await file.datasync()
      } catch {
        // Dropped meanwhile: the checkpoint sees to what there still is.
      } finally {
        await file?.close()
      }
    }
  }
}

const segmentBytes = 16 * 1024 * 1024
const zeros = Buffer.alloc(1024 * 1024)

/** The segment behind this one: eight hexadecimal digits each of timeline, of 4 GB, and of 16 MB within. */
export function following(segment: string): string {
  const next = BigInt(`0x${segment.slice(8, 16)}`) * 256n + BigInt(`0x${segment.slice(16)}`) + 1n
  const hex = (n: bigint) => n.toString(16).toUpperCase().padStart(8, '0')
  return `${segment.slice(0, 8)}${hex(next / 256n)}${hex(next % 256n)}`
}

async function forceNames(directory: string): Promise<void> {
  const names = await open(directory, 'r')
  try {
    await names.sync()
  } finally {
    await names.close()
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false
  )
