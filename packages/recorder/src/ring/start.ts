import { closeSync, openSync, readSync } from 'node:fs'
import { type FileHeader, HEADER_BYTES } from './file-header.ts'
import { kinds } from './frame.ts'
import { framesOf } from './scan.ts'

/** Enough for who writes and the first names. */
const enough = 8_192

/** When the first record of a file was written and since which start of the machine; undefined for one without any. */
export function startOf(
  path: string,
  { marker }: FileHeader
): { at: number; up: number; boot: string } | undefined | string {
  const bytes = Buffer.alloc(HEADER_BYTES + enough)
  let fd: number | undefined
  try {
    fd = openSync(path, 'r')
    const read = readSync(fd, bytes, 0, bytes.length, 0)
    let boot = ''
    for (const frame of framesOf(bytes.subarray(0, read), marker)) {
      if (frame.kind === kinds.session)
        boot = (JSON.parse(bytes.toString('utf8', frame.payloadAt, frame.end)) as { boot: string }).boot
      return { at: frame.at, up: frame.up, boot }
    }
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
