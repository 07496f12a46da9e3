import type { Readable } from 'node:stream'
import { type AccessLogLine, type LineRefusal, lineLimit, parseAccessLogLine } from './access-log-line.ts'
import type { ByteLine } from './byte-lines.ts'
import { eventIdOf, lineHashOf, sessionIdOf, userIdOf } from './event-identity.ts'
import { featureName } from './feature-name.ts'
import { type LogSource, type LogSources, openLogs } from './log-source.ts'
import { Occurrences } from './occurrences.ts'
import { SessionIndex } from './sessionize.ts'

export interface ImportedEvent {
  id: string
  type: 'feature.used'
  /** ISO 8601, UTC, milliseconds. */
  time: string
  user: { id: string }
  session: { id: string }
  data: { feature: string; outcome: 'ok' | 'client_error' | 'server_error'; status: number; method: string }
}

export interface RefusedLine extends LineRefusal {
  /** The beginning of the line, for whoever owns the file; it holds an address and is not to be kept. */
  excerpt: string
}

export type ImportItem =
  | { file: string; line: number; event: ImportedEvent }
  | { file: string; line: number; refused: RefusedLine }

/** What an import holds; all zero before `prepare` is done. lines = events + refused + blank. */
export interface ImportTotals {
  lines: number
  blank: number
  events: number
  refused: number
  sessions: number
  users: number
}

export interface AccessLogImport {
  /** Reads everything once, so that what cannot be read is found before the first event is sent. */
  prepare(): Promise<void>
  /** Reads everything again and gives it in the order of the files. At the end, what was spooled is removed. */
  events(): AsyncGenerator<ImportItem>
  readonly totals: Readonly<ImportTotals>
  /** Sessions of these files by the UTC day on which they began, once prepared. */
  sessionsByDay(): Record<string, number>
  /** For an import that is given up before its end. */
  close(): Promise<void>
}

const excerptLimit = 120

/**
 * Access logs as events, in two passes that hold the sessions and one small entry for each line, never the lines.
 *
 * The same file gives the same ids, under whichever name and compression, alone or among others: occurrences of a line are
 * counted within its file. A user is an address and a user agent; a user's times, over all files together, make the
 * sessions.
 * @param files paths, plain or gzip; `-` is `stdin`
 * @param key what users are hashed with; another key gives other users
 */
export function readImport(
  files: string[],
  { key, stdin = process.stdin }: { key: Uint8Array; stdin?: Readable }
): AccessLogImport {
  const sessions = new SessionIndex()
  const totals: ImportTotals = { lines: 0, blank: 0, events: 0, refused: 0, sessions: 0, users: 0 }
  let logs: LogSources | undefined

  async function prepare(): Promise<void> {
    if (logs !== undefined) throw new Error('The import is prepared already.')
    logs = await openLogs(files, stdin, lineLimit)
    try {
      for (const source of logs.sources) {
        for await (const line of source.lines()) survey(line)
      }
    } catch (error) {
      await close()
      throw error
    }
    totals.sessions = sessions.sessions
    totals.users = sessions.users
  }

  function survey(line: ByteLine): void {
    totals.lines++
    const read = readLine(line)
    if (read === undefined) totals.blank++
    else if ('code' in read) totals.refused++
    else {
      totals.events++
      sessions.add(userOf(key, read), read.time.getTime())
    }
  }

  async function* events(): AsyncGenerator<ImportItem> {
    if (logs === undefined) throw new Error('Call prepare() first.')
    try {
      for (const source of logs.sources) yield* eventsOf(source)
    } finally {
      await close()
    }
  }

  async function* eventsOf({ name: file, lines }: LogSource): AsyncGenerator<ImportItem> {
    const occurrences = new Occurrences()
    for await (const line of lines()) {
      const read = readLine(line)
      if (read === undefined) continue
      if ('code' in read) yield { file, line: line.number, refused: { ...read, excerpt: excerptOf(line.bytes) } }
      else yield { file, line: line.number, event: eventOf(line.bytes, read, occurrences) }
    }
  }

  function eventOf(bytes: Buffer, read: AccessLogLine, occurrences: Occurrences): ImportedEvent {
    const userId = userOf(key, read)
    const timeMs = read.time.getTime()
    const hash = lineHashOf(bytes)
    return {
      id: eventIdOf(timeMs, hash, occurrences.next(hash)),
      type: 'feature.used',
      time: read.time.toISOString(),
      user: { id: userId },
      session: { id: sessionIdOf(userId) },
      data: {
        feature: featureName(read.path),
        outcome: read.status < 400 ? 'ok' : read.status < 500 ? 'client_error' : 'server_error',
        status: read.status,
        method: read.method
      }
    }
  }

  async function close(): Promise<void> {
    await logs?.close()
  }

  return { prepare, events, totals, sessionsByDay: () => sessions.byDay(), close }
}

/** `undefined` for a line with nothing on it, which is no input at all. */
function readLine({ bytes, tooLong }: ByteLine): AccessLogLine | LineRefusal | undefined {
  if (tooLong) return { code: 'line_too_long', detail: `the line has more than ${lineLimit} bytes` }
  const text = bytes.toString()
  return text.trim() === '' ? undefined : parseAccessLogLine(text)
}

function userOf(key: Uint8Array, { address, userAgent = '' }: AccessLogLine): string {
  return userIdOf(key, address, userAgent)
}

function excerptOf(bytes: Buffer): string {
  return [...bytes.toString().replace(/\p{Cc}/gu, '\uFFFD')].slice(0, excerptLimit).join('')
}
