import { machineFiles, type SpoolFile, type SpoolFiles } from './files.ts'

export type Operation = 'create' | 'write' | 'datasync' | 'sync' | 'truncate' | 'unlink'

type Write = (
  bytes: Buffer,
  offset: number,
  length: number,
  position: number
) => Promise<{ bytesWritten: number; buffer: Buffer }>

/**
 * The machine's files, but operations fail while they are named in `failing`. A write that fails has written a half. A
 * sync that fails is the last one that may be asked of that file: asking again throws what no caller expects.
 */
export function failingFiles() {
  const failing = new Map<Operation, string>()
  const suspect = new Set<SpoolFile>()

  function check(operation: Operation): void {
    const code = failing.get(operation)
    if (code !== undefined) throw Object.assign(new Error(`${operation}: ${code}`), { code })
  }

  const files: SpoolFiles = {
    ...machineFiles,
    async unlink(path) {
      check('unlink')
      await machineFiles.unlink(path)
    },
    async open(path, flags, mode) {
      if (flags === 'wx') check('create')
      const real = await machineFiles.open(path, flags, mode)
      const { truncate, datasync, sync } = real
      const write = real.write.bind(real) as Write
      const failingWrite: Write = async (bytes, offset, length, position) => {
        if (!failing.has('write')) return write(bytes, offset, length, position)
        const written = await write(bytes, offset, length >> 1, position)
        check('write')
        return written
      }
      return Object.assign(real, {
        write: failingWrite as SpoolFile['write'],
        truncate: async (length?: number) => {
          check('truncate')
          await truncate.call(real, length)
        },
        datasync: async () => {
          if (suspect.has(real)) throw new Error('this file was synced again after its sync had failed')
          if (failing.has('datasync')) suspect.add(real)
          check('datasync')
          await datasync.call(real)
        },
        sync: async () => {
          check('sync')
          await sync.call(real)
        }
      })
    }
  }
  return { files, failing }
}
