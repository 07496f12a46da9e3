import { createServer, type Server, type ServerResponse } from 'node:http'
import { pageStyle, renderPage } from './page.ts'
import { judge, type Observation } from './verdict.ts'

/**
 * The watcher's own door: `/health`, `/ready`, `/state.json` and a page. It answers from what it holds in memory and asks
 * nobody, so it answers in a moment whatever state the platform, its stores and its event loop are in (promise P7).
 */
export function createWatcherServer(observe: () => Observation): Server {
  const server = createServer({ requestTimeout: 5_000 }, (request, response) => {
    request.resume()
    const path = request.url?.split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(response, 405, 'text/plain', 'GET only\n', { allow: 'GET, HEAD' })
    const seen = observe()
    const verdict = judge(seen)
    const health = () =>
      JSON.stringify({
        status: verdict.status,
        output: verdict.output,
        checks: {
          'platform:lastBeat': [
            {
              observedValue: seen.lastBeat === 0 ? null : seen.now - seen.lastBeat,
              observedUnit: 'ms',
              status: verdict.status
            }
          ],
          'platform:restarts': [{ observedValue: seen.restarts, status: 'pass' }]
        }
      })
    switch (path) {
      case '/health':
        return send(response, verdict.status === 'fail' ? 503 : 200, 'application/health+json', health())
      case '/ready':
        return send(response, verdict.ready ? 200 : 503, 'application/health+json', health())
      case '/state.json':
        return send(response, 200, 'application/json', JSON.stringify({ ...seen, verdict }))
      case '/page.css':
        return send(response, 200, 'text/css', pageStyle)
      case '/':
        return send(response, 200, 'text/html; charset=utf-8', renderPage(seen), {
          'content-security-policy': "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        })
      default:
        return send(response, 404, 'text/plain', 'not found\n')
    }
  })
  server.maxConnections = 500
  return server
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Record<string, string> = {}
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers
  })
  response.end(body)
}
