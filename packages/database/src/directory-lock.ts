import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { DirectoryLockedError } from './errors.ts'

export { DirectoryLockedError }

interface Holder {
  pid: number
  /** Kernel start time of the process, so that a reused pid is not mistaken for the holder. Empty where unknown. */
  born: string
}

export interface DirectoryLock {
  release(): void
}

/**
 * Takes `DIRECTORY.lock` for this process. The file is made complete and linked into place in one step, so a reader
 * never sees half of it. A lock whose process is gone is taken over; throws `DirectoryLockedError` when it is alive.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = `${directory}.lock`
  const mine = JSON.stringify({ pid: process.pid, born: bornOf(process.pid) } satisfies Holder)
  mkdirSync(dirname(path), { recursive: true })
  for (let attempt = 0; attempt < 10; attempt++) {
    const candidate = `${path}.${randomUUID()}`
    writeFileSync(candidate, mine, { mode: 0o600 })
    try {
      linkSync(candidate, path)
      return { release: () => releaseLock(path, mine) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      unlinkSync(candidate)
    }
    const seen = readLock(path)
    if (seen === undefined) continue
    const holder = parseHolder(seen)
    if (holder && isAlive(holder)) throw new DirectoryLockedError(directory, holder.pid)
    buryStale(path, seen)
  }
  throw new DirectoryLockedError(directory, parseHolder(readLock(path) ?? '')?.pid ?? 0)
}

/** Moves the stale lock aside; if another process was quicker and the file is already its own, puts it back. */
function buryStale(path: string, seen: string): void {
  const grave = `${path}.${randomUUID()}.stale`
  try {
    renameSync(path, grave)
  } catch {
    return
  }
  if (readLock(grave) !== seen) {
    try {
      linkSync(grave, path)
    } catch {
      // A third process holds the name by now; its lock stands.
    }
  }
  unlinkSync(grave)
}

function releaseLock(path: string, mine: string): void {
  if (readLock(path) === mine) unlinkSync(path)
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, born } = JSON.parse(text) as Partial<Holder>
    return typeof pid === 'number' && Number.isSafeInteger(pid) ? { pid, born: String(born ?? '') } : undefined
  } catch {
    return undefined
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const born = bornOf(holder.pid)
  return holder.born === '' || born === '' || born === holder.born
}

/** Field 22 of /proc/PID/stat; the command name before it may hold spaces and brackets, so count from its end. */
function bornOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
