import { execFile } from 'node:child_process'
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A file system of a size, in memory, that can be filled to the last byte. Without the right to mount there is none, and `why` says so. */
export type SmallDisk = {
  fill(): Promise<void>
  /** Gives the room back. */
  empty(): Promise<void>
  remove(): Promise<void>
} & ({ file: string; why?: undefined } | { file?: undefined; why: string })

/** Mounted on the folder, which must be there. */
export async function smallDisk(folder: string, megabytes: number): Promise<SmallDisk> {
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'plimsoll-chaos', folder])
  } catch (error) {
    const nothing = async () => undefined
    const why = `a small file system could not be mounted: ${(error as Error).message.trim().split('\n').at(-1)}`
    return { why, fill: nothing, empty: nothing, remove: nothing }
  }
  const file = join(folder, 'ballast')
  return {
    file,
    async fill() {
      const ballast = await open(file, 'a')
      try {
        for (let free = await freeBytes(folder); free > 0; free = await freeBytes(folder)) {
          await ballast.write(Buffer.alloc(Math.min(free, 8_388_608)))
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        await ballast.close()
      }
    },
    empty: () => rm(file, { force: true }),
    async remove() {
      // A process that is still dying may have a file open: it is unmounted when that is closed.
      await run('umount', [folder]).catch(() => run('umount', ['--lazy', folder]))
    }
  }
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}
