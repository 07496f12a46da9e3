import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import type { Seen } from '../verdict/seen.ts'
import { createHealthServer, type ServerSettings } from './server.ts'

const seen: Seen = {
  nowMs: 1_000,
  wallMs: 1_000,
  silentMs: 10,
  state: { started: true, ready: true, draining: false },
  figures: { delayP50Ms: 0, delayP99Ms: 0, delayMaxMs: 0, utilisation: 0, heapUsedBytes: 0, heapLimitBytes: 0 },
  details: { notReady: '', checks: [] },
  restarts: 0,
  rssBytes: 0,
  uptimeMs: 0
}

async function server(t: TestContext, over: Partial<ServerSettings> = {}, what: Partial<Seen> = {}) {
  const settings: ServerSettings = {
    stuckAfterMs: 2_000,
    loopDelayWarnMs: 250,
    heapWarnShare: 0.9,
    release: undefined,
    service: undefined,
    maxConnections: 256,
    headersTimeoutMs: 60_000,
    keepAliveMs: 60_000,
    ...over
  }
  const made = createHealthServer(() => ({ ...seen, ...what }), settings)
  made.listen(0, '127.0.0.1')
  await once(made, 'listening')
  t.after(() => {
    made.close()
    made.closeAllConnections()
  })
  const { port } = made.address() as AddressInfo
  /** Sends bytes as they are, and gives back all that comes until the other side closes. */
  const raw = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(bytes)
    return text(socket)
  }
  return { url: `http://127.0.0.1:${port}`, port, raw }
}

const answered = async (response: Response) => {
  const body = await response.text()
  return { status: response.status, type: response.headers.get('content-type'), body: body && JSON.parse(body) }
}

test('each path answers with health+json that nobody may keep', async t => {
  const { url } = await server(t)
  for (const path of ['/health', '/ready', '/startup', '/health/report', '/health?verbose=1']) {
    const response = await fetch(url + path)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    const { status, type, body } = await answered(response)
    assert.deepEqual([status, type, body.status], [200, 'application/health+json', 'pass'], path)
  }
})

test('fail is 503, warn is 200', async t => {
  const stuck = await server(t, {}, { silentMs: 3_000 })
  assert.equal((await fetch(`${stuck.url}/health`)).status, 503)
  const draining = await server(t, {}, { state: { started: true, ready: true, draining: true } })
  const { status, body } = await answered(await fetch(`${draining.url}/health`))
  assert.deepEqual([status, body.status], [200, 'warn'])
})

test('HEAD has the status and the headers, and no body', async t => {
  const { url } = await server(t, {}, { silentMs: 3_000 })
  const response = await fetch(`${url}/ready`, { method: 'HEAD' })
  assert.deepEqual([response.status, await response.text()], [503, ''])
  assert.ok(Number(response.headers.get('content-length')) > 0)
})

test('another path is 404 and another method 405, as problems', async t => {
  const { url } = await server(t)
  for (const path of ['/', '/healthz', '/health/', '/ready/x', '/__proto__']) {
    const { status, type, body } = await answered(await fetch(url + path))
    assert.deepEqual([status, type, body.code], [404, 'application/problem+json', 'not_found'], path)
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const response = await fetch(`${url}/health`, { method })
    assert.equal(response.headers.get('allow'), 'GET, HEAD')
    const { status, body } = await answered(response)
    assert.deepEqual(
      [status, body.code, body.type],
      [405, 'method_not_allowed', 'urn:plimsoll:problem:method_not_allowed']
    )
  }
})

test('what is no request is refused in words, and the connection ends', async t => {
  const { raw } = await server(t)
  for (const [bytes, status, code] of [
    ['what is this\r\n\r\n', 400, 'malformed_request'],
    ['GET /health HTTP/1.1\r\nbad header\r\n\r\n', 400, 'malformed_request'],
    ['GET /health HTTP/9.9\r\n\r\n', 400, 'malformed_request'],
    ['\x16\x03\x01\x02\x00\x01\x00\x01', 400, 'malformed_request'],
    [`GET /health HTTP/1.1\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`, 431, 'headers_too_large']
  ] as const) {
    const answer = await raw(bytes)
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer)
    assert.equal(JSON.parse(answer.split('\r\n\r\n')[1]!).code, code)
  }
})

test('a request without a Host, and one of HTTP/1.0, are answered', async t => {
  const { raw } = await server(t)
  for (const bytes of ['GET /health HTTP/1.1\r\nconnection: close\r\n\r\n', 'GET /health HTTP/1.0\r\n\r\n']) {
    assert.match(await raw(bytes), /^HTTP\/1\.1 200 OK\r\n/)
  }
})

test('a body is not read: it is answered, and the connection ends', async t => {
  const { raw } = await server(t)
  const smuggled = 'GET /health HTTP/1.1\r\ncontent-length: 45\r\n\r\nGET /ready HTTP/1.1\r\nconnection: close\r\n\r\n'
  const answer = await raw(smuggled)
  assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, 'what is in the body is no second request')
  assert.match(answer, /connection: close/i)
})

test('a request that never ends is refused', async t => {
  const { raw } = await server(t, { headersTimeoutMs: 50 })
  for (const bytes of ['GET /health HTTP/1.1\r\nx: ', '']) {
    const answer = await raw(bytes)
    assert.ok(answer === '' || answer.startsWith('HTTP/1.1 408 '), answer)
  }
})

test('a connection that is kept alive ends when nothing more comes', async t => {
  const { port } = await server(t, { keepAliveMs: 50, headersTimeoutMs: 50 })
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /health HTTP/1.1\r\n\r\n')
  assert.match(await text(socket), /^HTTP\/1\.1 200 OK/)
})

/** Connections that say nothing. */
async function idle(t: TestContext, port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  await Promise.all(sockets.map(socket => once(socket, 'connect')))
  return sockets
}

test('two hundred idle connections keep no request out', async t => {
  const { url, port } = await server(t)
  const sockets = await idle(t, port, 200)
  assert.equal((await fetch(`${url}/health`)).status, 200)
  assert.equal(sockets.filter(({ closed }) => closed).length, 0)
})

test('when there are too many, the quietest makes room, and one that asks again and again stays', async t => {
  const { url, port } = await server(t, { maxConnections: 3 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.after(() => agent.destroy())
  let reused = 0
  const ask = async () => {
    const asked = request(`${url}/health`, { agent }).end()
    const [response] = await once(asked, 'response')
    await text(response)
    if (asked.reusedSocket) reused++
    return response.statusCode
  }
  await ask()
  let [older, newer] = await idle(t, port, 2)
  for (let round = 0; round < 5; round++) {
    assert.equal(await ask(), 200)
    const madeRoom = older!.closed || once(older!, 'close')
    const [newest] = await idle(t, port, 1)
    await madeRoom
    assert.deepEqual([newer!.closed, newest!.closed], [false, false])
    ;[older, newer] = [newer, newest]
  }
  assert.equal(reused, 5)
})
