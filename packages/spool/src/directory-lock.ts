import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SpoolLockedError } from './errors.ts'

/** Locks that this process holds, so that a file left by an earlier process with its pid is not taken for one. */
const held = new Set<string>()

/**
 * Takes a directory for this process, and returns what gives it back. Everyone who wants it first writes a file named
 * for himself and then looks for others: of two at once at least one sees the other, so never both have it. A file whose
 * process is gone is removed.
 *
 * @throws SpoolLockedError
 */
export function lockDirectory(directory: string): () => void {
  const born = bornOf(process.pid)
  const mine = `${process.pid}-${born}.lock`
  const path = join(directory, mine)
  if (held.has(path)) throw new SpoolLockedError(directory, process.pid)
  try {
    // Where the birth is known no earlier process had this name, so the file is another thread's.
    writeFileSync(path, '', { mode: 0o600, flag: born === '' ? 'w' : 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new SpoolLockedError(directory, process.pid)
    throw error
  }
  for (const name of readdirSync(directory)) {
    const [, pid, born] = /^(\d+)-(\d*)\.lock$/.exec(name) ?? []
    if (pid === undefined || name === mine) continue
    if (isAlive(Number(pid), born ?? '')) {
      unlinkSync(path)
      throw new SpoolLockedError(directory, Number(pid))
    }
    remove(join(directory, name))
  }
  held.add(path)
  return () => {
    held.delete(path)
    remove(path)
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function isAlive(pid: number, born: string): boolean {
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const now = bornOf(pid)
  return born === '' || now === '' || now === born
}

/** When the kernel started it, where that can be known: field 22 of /proc/PID/stat. Pids are used again. */
function bornOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
