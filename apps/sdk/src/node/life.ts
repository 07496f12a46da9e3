import { createHash } from 'node:crypto'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * Tells whether a process still lives that other processes share a folder with: it listens on a socket that only it can
 * have, and the kernel closes that with the process, however it ends. A process that is stopped or busy still counts as
 * alive, since the kernel takes connections for it; and no number is reused, as a process's own is.
 */
export interface Life {
  end(): void
}

/** A socket's path has to fit into 104 bytes. */
const longestPath = 100

export function socketOf(folder: string, name: string): string {
  const path = join(resolve(folder), `${name}.sock`)
  const short = createHash('sha256').update(path).digest('hex').slice(0, 32)
  if (process.platform === 'win32') return `\\\\.\\pipe\\plimsoll-${short}`
  return Buffer.byteLength(path) <= longestPath ? path : join(tmpdir(), `plimsoll-${short}.sock`)
}

/** @throws Error when it cannot listen: then nobody could see that this process lives */
export function beginLife(folder: string, name: string): Life {
  const server: Server = createServer(socket => socket.destroy())
  server.on('error', () => undefined)
  // Exclusive, so that in a cluster it is this worker that listens and not its primary.
  server.listen({ path: socketOf(folder, name), exclusive: true })
  // A path is bound and listened on before `listen` returns; only the event comes later.
  if (!server.listening) throw new Error(`cannot listen in ${folder}`)
  server.unref()
  return { end: () => void server.close() }
}

export function isAlive(folder: string, name: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(socketOf(folder, name))
    const answer = (alive: boolean) => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      // Anything else, a queue of connections that is full say, is no sign of death.
      answer(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    )
  })
}
