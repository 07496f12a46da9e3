import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import { pageStyle, renderPage, type Shown } from './page.ts'
import { judge, type Observation } from './verdict.ts'
import type { Look } from './why/look.ts'

export interface Doors {
  /** A look at the black box, within a moment, drawn for a page or not; undefined when there is none. */
  look?(options?: { page: boolean }): Promise<Look | undefined>
  /** The incident that goes on and those that are over; undefined where none are followed. */
  incidents?(): Shown['incidents']
  /** Whether the numbers of the dashboard may be shown to whoever asks. Default: to everyone. */
  maySeeNumbers?(headers: IncomingHttpHeaders): boolean
}

/**
 * The watcher's own door: `/health`, `/ready`, `/state.json` and a page. These it answers from what it holds in memory and
 * asks nobody, in a moment whatever state the platform, its stores and its event loop are in (promise P7). The page and
 * `/why.json` wait a little for a look at the black box, which another thread takes.
 */
export function createWatcherServer(observe: () => Observation, doors: Doors = {}): Server {
  const { look = async () => undefined, incidents, maySeeNumbers = () => true } = doors
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
      case '/state.json': {
        const { dashboards: _, ...known } = seen.known ?? {}
        const told = maySeeNumbers(request.headers) || !seen.known ? seen : { ...seen, known }
        return send(response, 200, 'application/json', JSON.stringify({ ...told, verdict }))
      }
      case '/page.css':
        return send(response, 200, 'text/css', pageStyle)
      case '/why.json':
        return void look().then(looked =>
          looked
            ? send(response, 200, 'application/json', whyJson(looked))
            : send(response, 503, 'application/json', JSON.stringify({ code: 'no_look_yet' }), { 'retry-after': '2' })
        )
      case '/':
        return void look({ page: true }).then(looked => {
          const shown = { look: looked, incidents: incidents?.(), numbers: maySeeNumbers(request.headers) }
          send(response, 200, 'text/html; charset=utf-8', renderPage(observe(), shown), {
            'content-security-policy': "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
          })
        })
      default:
        return send(response, 404, 'text/plain', 'not found\n')
    }
  })
  server.maxConnections = 500
  return server
}

const whyJson = ({ diagnosis, tookMs }: Look) => JSON.stringify({ ...diagnosis, tookMs: Math.round(tookMs) })

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
