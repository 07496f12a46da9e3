import { retryAfterOf } from './pace.ts'
import type { Clock, Transport } from './ports.ts'
import type { Settings } from './settings.ts'

/** Smaller bodies gain nothing worth the time. */
const worthPacking = 1_024

const gzip = (text: string): Promise<ArrayBuffer> =>
  new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()

/** `fetch` as it is in browsers and in Node. */
export function httpTransport({ endpoint, key, requestMs }: Settings, clock: Clock): Transport {
  return async (path, body, { keepalive = false, signal } = {}) => {
    const headers: Record<string, string> = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    let payload: string | ArrayBuffer = body
    // Packing takes a moment, which a page that is going has not.
    if (!keepalive && body.length > worthPacking && typeof CompressionStream !== 'undefined') {
      payload = await gzip(body)
      headers['content-encoding'] = 'gzip'
    }
    // By this the server corrects a wrong clock, so it is this attempt's and never the event's.
    headers['x-sent-at'] = new Date(clock.wallNow()).toISOString()
    const timeout = AbortSignal.timeout(requestMs)
    const response = await fetch(endpoint + path, {
      method: 'POST',
      headers,
      body: payload,
      keepalive,
      credentials: 'omit',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout
    })
    const said = response.headers
    return {
      status: response.status,
      retryAfterMs: retryAfterOf(said.get('retry-after'), said.get('date'), clock.wallNow()),
      body: await response.json().catch(() => undefined)
    }
  }
}
