import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'

/** What becomes of a request: it is passed on; passed on and its answer lost; cut off at once; refused; or held. */
export type Mood = 'pass' | 'lose-answer' | 'cut' | 'hold' | { status: number; headers?: Record<string, string> }

export interface Passed {
  path: string
  /** Of the events in it, in order. */
  ids: string[]
  bytes: number
  packed: boolean
  sentAt: string
  /** Requests that were on their way at the same time. */
  beside: number
}

export interface Gate {
  url: string
  mood: Mood
  /** Every post, in the order in which they came. */
  passed: Passed[]
  /** Ends what is held, without an answer. */
  close(): Promise<void>
}

/** A real server before the real service, for what a network and a service do on a bad day. */
export async function openGate(target: string): Promise<Gate> {
  let open = 0
  const server = createServer((request, response) => {
    if (request.method === 'POST') open++
    response.once('close', () => {
      if (request.method === 'POST') open--
    })
    handle(request, response).catch(() => response.destroy())
  })

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { mood } = gate
    const isPost = request.method === 'POST'
    const body = await buffer(request)
    if (isPost) gate.passed.push(noted(request, body, open - 1))
    if (mood === 'cut') return void response.destroy()
    if (mood === 'hold' && isPost) return
    if (typeof mood === 'object' && isPost) {
      const open = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'Retry-After, Date' }
      return void response.writeHead(mood.status, { ...open, ...mood.headers }).end()
    }
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
    const answer = await fetch(target + request.url, {
      method: request.method!,
      headers: headers as Record<string, string>,
      ...(isPost ? { body } : {})
    })
    const text = await answer.text()
    if (mood === 'lose-answer' && isPost) return void response.destroy()
    const kept = [...answer.headers].filter(([name]) => !/^(connection|keep-alive|content-length|transfer-)/.test(name))
    response.writeHead(answer.status, Object.fromEntries(kept)).end(text)
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const gate: Gate = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mood: 'pass',
    passed: [],
    close() {
      server.closeAllConnections()
      return new Promise(resolve => server.close(() => resolve()))
    }
  }
  return gate
}

function noted(request: IncomingMessage, body: Buffer, beside: number): Passed {
  const packed = request.headers['content-encoding'] === 'gzip'
  const value = JSON.parse((packed ? gunzipSync(body) : body).toString('utf8')) as { id: string }[] | { id: string }
  return {
    path: request.url!,
    ids: [value].flat().map(({ id }) => id),
    bytes: body.length,
    packed,
    sentAt: String(request.headers['x-sent-at']),
    beside
  }
}
