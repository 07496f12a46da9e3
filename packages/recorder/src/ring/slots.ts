import { closeSync, openSync, readdirSync, readSync, statSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { decodeHeader, type FileHeader, HEADER_BYTES } from './file-header.ts'

/** A file of a ring, as it was found. */
export interface RingFile {
  path: string
  slot: number
  /** Its header, undefined before its first use, or why there is none. */
  header: FileHeader | undefined | string
}

const fileName = /^(\d{2})\.ring$/
export const pathOf = (directory: string, slot: number): string =>
  join(directory, `${String(slot).padStart(2, '0')}.ring`)

/** The files of a ring; whatever else lies in the folder is left alone. */
export function ringFiles(directory: string): RingFile[] {
  return readdirSync(directory)
    .flatMap(name => {
      const slot = fileName.exec(name)?.[1]
      return slot === undefined ? [] : [{ path: join(directory, name), slot: Number(slot) }]
    })
    .map(({ path, slot }) => ({ path, slot, header: headerOf(path) }))
}

function headerOf(path: string): RingFile['header'] {
  const bytes = Buffer.alloc(HEADER_BYTES)
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const read = readSync(fd, bytes, 0, HEADER_BYTES, 0)
    return decodeHeader(bytes.subarray(0, read))
  } catch (error) {
    return (error as Error).message
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** True when the slot has its file in full. Zeros are written and not left out, so that the disk gives the blocks now. */
export function allocate(directory: string, slot: number, bytes: number): boolean {
  const path = pathOf(directory, slot)
  if (statSync(path, { throwIfNoEntry: false })?.size === bytes) return true
  try {
    const fd = openSync(path, 'w', 0o600)
    try {
      const zeros = Buffer.alloc(bytes)
      for (let done = 0; done < bytes; ) done += writeSync(fd, zeros, done, bytes - done, done)
    } finally {
      closeSync(fd)
    }
    return true
  } catch {
    try {
      unlinkSync(path)
    } catch {
      // It was not even made.
    }
    return false
  }
}
