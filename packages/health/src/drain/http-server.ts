import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { CutOff, DrainStep } from './step.ts'

const SWEEP_MS = 100

/**
 * A step that closes an HTTP server: takes no new connections, answers what is in flight, lets go of what is kept alive,
 * and, out of time, cuts the rest off and says how many. `Server.close` alone waits for connections that were busy when
 * it was called until their keep-alive ends.
 */
export function closeHttpServer(server: Server | SecureServer): DrainStep {
  return ({ signal }) =>
    new Promise<CutOff | undefined>((resolve, reject) => {
      const lastOne = (_request: IncomingMessage, response: ServerResponse) => {
        response.shouldKeepAlive = false
      }
      // A connection that is alive may bring one more request: it is answered, and then it ends.
      server.prependListener('request', lastOne)
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
      const end = () => {
        clearInterval(sweep)
        server.off('request', lastOne)
        signal.removeEventListener('abort', cut)
      }
      const cut = () => {
        server.getConnections((_error, count) => {
          end()
          server.closeAllConnections()
          resolve({ cutOff: `${count} ${count === 1 ? 'connection' : 'connections'} with a request in flight` })
        })
      }
      signal.addEventListener('abort', cut, { once: true })
      server.close((error: NodeJS.ErrnoException | undefined) => {
        end()
        if (error !== undefined && error.code !== 'ERR_SERVER_NOT_RUNNING') reject(error)
        else resolve(undefined)
      })
    })
}
