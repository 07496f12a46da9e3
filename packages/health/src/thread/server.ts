import { createServer, type Server, STATUS_CODES } from 'node:http'
import type { Limits, Seen } from '../verdict/seen.ts'
import { type Answer, answerTo, problemAnswer } from './answer.ts'
import { boundConnections } from './connections.ts'

/** Times in milliseconds. */
export interface ServerSettings extends Limits {
  maxConnections: number
  headersTimeoutMs: number
  keepAliveMs: number
}

/** A server that answers from what it sees, at once, and gives nobody more than a moment. It writes no log. */
export function createHealthServer(see: () => Seen, settings: ServerSettings): Server {
  const { headersTimeoutMs, keepAliveMs } = settings
  const server = createServer(
    {
      maxHeaderSize: 8 * 1024,
      headersTimeout: headersTimeoutMs,
      requestTimeout: headersTimeoutMs,
      connectionsCheckingInterval: Math.min(500, headersTimeoutMs),
      keepAliveTimeout: keepAliveMs,
      // A probe without a Host header is answered too: nothing here depends on it.
      requireHostHeader: false
    },
    (request, response) => {
      const { headers } = request
      const { status, headers: own, body } = answerTo(request.method ?? '', request.url ?? '', see, settings)
      // A body is nothing that is read here, and what is left of it must not be taken for the next request.
      if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
        response.shouldKeepAlive = false
      }
      response.writeHead(status, own).end(request.method === 'HEAD' ? undefined : body)
    }
  )
  server.maxRequestsPerSocket = 1_000
  server.setTimeout(keepAliveMs + headersTimeoutMs)
  boundConnections(server, settings.maxConnections)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') socket.destroy()
    else socket.end(rawAnswer(refusalOf(error.code)), () => socket.destroy())
  })
  return server
}

function refusalOf(code: string | undefined): Answer {
  if (code === 'HPE_HEADER_OVERFLOW') return problemAnswer(431, 'headers_too_large', 'The headers are over 8 KB.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problemAnswer(408, 'request_timeout', 'The request took too long.')
  return problemAnswer(400, 'malformed_request', 'What was sent is not an HTTP request.')
}

/** For what fails before there is a response to write to. */
function rawAnswer({ status, headers, body }: Answer): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, 'connection: close', '', body].join('\r\n')
}
