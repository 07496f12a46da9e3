import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import type { Journal } from '../core/queue-store.ts'

const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND

/**
 * Lines in a file, which is made by the first one. A line is with the operating system before `append` returns, so a
 * `kill -9` of the process loses none. It is not synced: a power cut may lose the last seconds.
 * @param before called before the file is made; may throw
 */
export function fileJournal(path: string, before: () => void = () => undefined): Journal {
  let descriptor: number | undefined
  let size = 0

  const open = () => {
    if (descriptor !== undefined) return descriptor
    before()
    descriptor = openSync(path, flags, 0o600)
    size = fstatSync(descriptor).size
    return descriptor
  }
  const close = () => {
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = undefined
  }
  return {
    get size() {
      return size
    },
    append(line) {
      const file = open()
      const bytes = Buffer.from(`${line}\n`)
      let written = 0
      try {
        while (written < bytes.length) written += writeSync(file, bytes, written)
      } catch (error) {
        // Half a line, a full disk's say: the caller is told that nothing was written, and so it has to be.
        ftruncateSync(file, size)
        throw error
      }
      size += bytes.length
    },
    replace(lines) {
      if (lines.length === 0) {
        ftruncateSync(open(), 0)
        size = 0
        return
      }
      const anew = `${path}.new`
      writeFileSync(anew, lines.map(line => `${line}\n`).join(''), { mode: 0o600 })
      renameSync(anew, path)
      close()
      open()
    },
    erase() {
      close()
      size = 0
      rmSync(path, { force: true })
    },
    close
  }
}

/** The whole lines of a journal that another process left. What it did not finish is cut off, so that lines can follow. */
export function takeOver(path: string): string[] {
  const bytes = readFileSync(path)
  const whole = bytes.lastIndexOf(10) + 1
  if (whole < bytes.length) {
    const file = openSync(path, 'r+')
    ftruncateSync(file, whole)
    closeSync(file)
  }
  return bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1)
}
