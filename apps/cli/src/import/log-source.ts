import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { type ByteLine, LineCutter } from './byte-lines.ts'

/** A log that can be read twice, and gives the same lines both times. */
export interface LogSource {
  /** As it was named; `-` is standard input. */
  name: string
  lines(): AsyncGenerator<ByteLine>
}

export class LogUnreadable extends Error {
  override readonly name = 'LogUnreadable'
  readonly code = 'log_unreadable'

  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`${file} cannot be read: ${reason}`, { cause })
  }
}

export interface LogSources {
  sources: LogSource[]
  /** Removes the copies of what could only be read once. */
  close(): Promise<void>
}

/**
 * Opens logs, plain or gzip (known by its first two bytes, not by its name). Standard input and pipes are copied to a
 * temporary file that only this user can read.
 * @param stdin what `-` stands for
 * @param lineLimit in bytes
 * @throws {LogUnreadable}
 */
export async function openLogs(files: string[], stdin: Readable, lineLimit: number): Promise<LogSources> {
  const spool = new Spool()
  const sources: LogSource[] = []
  try {
    for (const [index, name] of files.entries()) {
      const path = await readableTwice(name, index, stdin, spool)
      sources.push(await logSource(name, path, lineLimit))
    }
  } catch (error) {
    await spool.remove()
    throw error
  }
  return { sources, close: () => spool.remove() }
}

async function readableTwice(name: string, index: number, stdin: Readable, spool: Spool): Promise<string> {
  try {
    if (name === '-') return await spool.copy(index, stdin)
    const found = await stat(name)
    if (found.isDirectory()) throw new Error('it is a folder')
    return found.isFile() ? name : await spool.copy(index, createReadStream(name))
  } catch (error) {
    throw new LogUnreadable(name, error)
  }
}

async function logSource(name: string, path: string, lineLimit: number): Promise<LogSource> {
  try {
    const handle = await open(path)
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    // A server may be writing to it still: only what is there now is read, each time.
    const { size } = await handle.stat()
    await handle.close()
    const compressed = bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b
    return { name, lines: () => linesOf(name, path, size, compressed, lineLimit) }
  } catch (error) {
    throw new LogUnreadable(name, error)
  }
}

async function* linesOf(
  name: string,
  path: string,
  size: number,
  compressed: boolean,
  lineLimit: number
): AsyncGenerator<ByteLine> {
  if (size === 0) return
  const cutter = new LineCutter(lineLimit)
  const file = createReadStream(path, { end: size - 1, highWaterMark: 256 * 1024 })
  const bytes = compressed ? file.pipe(createGunzip({ chunkSize: 128 * 1024 })) : file
  // `pipe` carries no errors.
  if (bytes !== file) file.once('error', error => bytes.destroy(error))
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) yield* cutter.push(chunk)
  } catch (error) {
    throw new LogUnreadable(name, error)
  } finally {
    file.destroy()
    bytes.destroy()
  }
  yield* cutter.end()
}

class Spool {
  #folder: string | undefined

  async copy(index: number, from: Readable): Promise<string> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'plimsoll-import-'))
    const path = join(this.#folder, String(index))
    await pipeline(from, createWriteStream(path, { mode: 0o600 }))
    return path
  }

  async remove(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
    this.#folder = undefined
  }
}
