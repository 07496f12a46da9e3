import { basename, join } from 'node:path'
import { type SpoolFile, type SpoolFiles, syncDirectory, writeFully } from './files.ts'
import { encodeFrame, FRAME_BYTES } from './frame.ts'
import { scanFrames } from './frame-scan.ts'
import type { Segment } from './segment.ts'
import { HEADER_BYTES } from './segment-header.ts'
import { createSegmentFile } from './segment-writer.ts'

/**
 * Puts a damaged segment aside as `NAME.corrupt`, and a copy of its readable records in its place. The name is never
 * without a file, so a crash at any point leaves either of them. Returns where the damaged one is.
 */
export async function quarantine(
  files: SpoolFiles,
  directory: string,
  segment: Segment,
  floor: number
): Promise<string> {
  const repair = `${segment.path}.repair`
  const header = { floor, previousFirst: 0, previousLength: 0, repaired: true }
  const { file, marker } = await createSegmentFile(files, repair, header)
  try {
    let length: number
    try {
      length = await copyFrames(files, segment, file, marker)
      await file.datasync()
    } finally {
      await file.close()
    }
    const aside = await linkAside(files, directory, segment.path)
    await files.rename(repair, segment.path)
    segment.marker = marker
    segment.length = length
    await syncDirectory(files, directory)
    return aside
  } catch (error) {
    await files.unlink(repair).catch(() => undefined)
    throw error
  }
}

async function copyFrames(files: SpoolFiles, segment: Segment, target: SpoolFile, marker: Buffer): Promise<number> {
  const source = await files.open(segment.path, 'r')
  let length = HEADER_BYTES
  try {
    const range = { from: HEADER_BYTES, to: segment.length, after: segment.first - 1 }
    for await (const found of scanFrames(source, segment.marker, range)) {
      for (const item of found) {
        if (!('sequence' in item)) continue
        const bytes = Buffer.allocUnsafe(FRAME_BYTES + item.payload.length)
        encodeFrame(bytes, 0, marker, item.payload, item)
        await writeFully(target, bytes, length)
        length += bytes.length
      }
    }
  } finally {
    await source.close()
  }
  return length
}

async function linkAside(files: SpoolFiles, directory: string, path: string): Promise<string> {
  const taken = await files.readdir(directory)
  let aside = `${path}.corrupt`
  for (let n = 2; taken.includes(basename(aside)); n++) aside = `${path}.${n}.corrupt`
  await files.link(path, aside)
  return join(directory, basename(aside))
}
