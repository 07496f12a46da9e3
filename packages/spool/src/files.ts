import { type FileHandle, link, open, readdir, rename, unlink } from 'node:fs/promises'

export type SpoolFile = Pick<FileHandle, 'read' | 'write' | 'datasync' | 'sync' | 'truncate' | 'stat' | 'close'>

/** What the spool asks of a file system. The machine's own, but where a test lets a write or a sync fail. */
export interface SpoolFiles {
  open(path: string, flags: string, mode?: number): Promise<SpoolFile>
  link(from: string, to: string): Promise<void>
  readdir(path: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
}

export const machineFiles: SpoolFiles = { open, link, readdir, rename, unlink }

/** Writes all of `bytes`: the system may take less at once. */
export async function writeFully(file: SpoolFile, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    if (bytesWritten === 0) throw new Error('the file takes no more')
    done += bytesWritten
  }
}

/** Reads `length` bytes, or what there is before the end of the file. */
export async function readFully(file: SpoolFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

/** Makes the names in a directory durable: a file that was synced is lost all the same when its name is. */
export async function syncDirectory(files: SpoolFiles, directory: string): Promise<void> {
  const handle = await files.open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
