import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import zlib from 'node:zlib'
import { Pool } from 'undici'
import { limits } from './limits.ts'
import { type RunningTelemetry, runTelemetry, type SendOptions } from './testing.ts'

const event = (over: object = {}) => ({
  id: randomUUIDv7(),
  type: 'session.start',
  time: new Date().toISOString(),
  user: { id: 'pro-ann' },
  session: { id: randomUUIDv7() },
  ...over
})
const ndjson = { 'content-type': 'application/x-ndjson' }

/** Marsaglia's xorshift32: the same bytes in every run. */
function randomBytes(seed: number): (size: number) => Buffer {
  let x = seed
  return size => {
    const bytes = Buffer.alloc(size)
    for (let i = 0; i < size; i++) {
      x ^= x << 13
      x ^= x >>> 17
      x ^= x << 5
      bytes[i] = x
    }
    return bytes
  }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const heapMB = () => {
  collect()
  return process.memoryUsage().heapUsed / 1e6
}

describe('bad input', () => {
  let run: RunningTelemetry
  before(async () => {
    run = await runTelemetry()
  })
  after(() => run.close())

  const post = (body: unknown, options: SendOptions = {}) => run.send('POST', '/v1/events', { body, ...options })
  const refused = async (status: number, code: string, sent: Promise<Awaited<ReturnType<typeof post>>>) => {
    const answer = await sent
    assert.deepEqual([answer.status, answer.body?.code, answer.body?.status], [status, code, status], answer.text)
    assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/)
    assert.ok(answer.body.title && answer.body.detail, 'what is wrong, in words')
    return answer
  }
  const stillServes = async () => assert.equal((await post(event())).body.results[0].result, 'accepted')

  it('that is not JSON is told where it stops to be', async () => {
    const { body } = await refused(400, 'malformed_json', post('[{"id": 1},\n {"id" 2}]'))
    assert.deepEqual([body.line, body.column], [2, 8])
    await refused(400, 'malformed_json', post('{"id": 1}\n{"id": 2}'))
    await refused(400, 'malformed_json', post('not\njson', { headers: ndjson }))
    await refused(400, 'malformed_json', post(Buffer.from('{"id":"\xff"}', 'latin1')))
    await refused(400, 'malformed_json', post('[1,2', { headers: { 'content-type': 'application/json' } }))
  })

  it('that holds no event is refused', async () => {
    await refused(400, 'empty_request', post('[]'))
    await refused(400, 'empty_request', post('\n\n', { headers: ndjson }))
    await refused(400, 'invalid_request', post('7'))
    await refused(400, 'invalid_request', post('null'))
    assert.ok([400, 415].includes((await run.send('POST', '/v1/events')).status))
    assert.equal((await post('')).status, 400)
  })

  it('of another type, method or path is refused with what would do', async () => {
    await refused(415, 'unsupported_media_type', post('id=1', { headers: { 'content-type': 'text/plain' } }))
    await refused(415, 'unsupported_encoding', post('{}', { headers: { 'content-encoding': 'constructor' } }))
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await refused(405, 'method_not_allowed', run.send(method, '/v1/events'))
      assert.equal(answer.headers.get('allow'), 'OPTIONS, POST')
    }
    await refused(405, 'method_not_allowed', run.send('POST', `/v1/sessions/${randomUUIDv7()}`, { body: {} }))
    await refused(404, 'not_found', run.send('POST', '/v1/event', { body: event() }))
  })

  it('that is too large is refused: on the wire, decoded, in number', async () => {
    const wide = Buffer.alloc(limits.wireBytes, 32)
    await refused(400, 'malformed_json', post(wide))
    await refused(413, 'body_too_large', post(Buffer.concat([wide, wide.subarray(0, 1)])))
    const gzip = { 'content-encoding': 'gzip' }
    await refused(
      413,
      'decoded_too_large',
      post(zlib.gzipSync(Buffer.alloc(limits.decodedBytes + 1)), { headers: gzip })
    )
    await refused(413, 'decoded_too_large', post(zlib.gzipSync(Buffer.alloc(200_000_000)), { headers: gzip }))
    await refused(400, 'malformed_encoding', post(Buffer.from('not gzip'), { headers: gzip }))
    await refused(413, 'too_many_events', post(Array(limits.events + 1).fill({})))
    assert.equal((await post(Array.from({ length: limits.events }, () => event()))).body.results.length, limits.events)
  })

  it('in one event of a batch harms none of the others', async () => {
    const bad = () => [
      null,
      7,
      'text',
      [],
      {},
      event({ id: 'x' }),
      event({ type: 'unheard.of' }),
      event({ time: 'soon' }),
      event({ time: '2000-01-01T00:00:00Z' }),
      event({ time: '2999-01-01T00:00:00Z' }),
      event({ user: { id: 'nul\0' } }),
      event({ user: { id: '\udc00' } }),
      event({ data: { 'half\ud800': 1 } }),
      event({ data: { big: 'x'.repeat(limits.eventBytes) } }),
      event({ data: JSON.parse('{"a":'.repeat(50) + 1 + '}'.repeat(50)) }),
      event({ type: 'feature.used', data: { feature: 'x', status: 'ok' } }),
      event({ unknown: true })
    ]
    const ndjsonOf = (events: unknown[]) => events.map(one => `${JSON.stringify(one)}\n`).join('')
    for (const asLines of [false, true]) {
      const mixed = bad().flatMap(one => [event(), one])
      const sent = asLines ? post(ndjsonOf(mixed), { headers: ndjson }) : post(mixed)
      const { results } = (await sent).body
      for (const [i, { result, code }] of results.entries()) {
        if (i % 2 === 1) assert.deepEqual([result, typeof code], ['rejected', 'string'], JSON.stringify(mixed[i]))
        else assert.equal(result, 'accepted')
      }
    }
  })

  it('that is not even HTTP gets an answer, and the next one is served', async () => {
    const { port } = new URL(run.url)
    const random = randomBytes(77)
    for (const bytes of [
      Buffer.from('hello\r\n\r\n'),
      random(300),
      Buffer.from(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`)
    ]) {
      const socket = connect(Number(port), '127.0.0.1')
      await once(socket, 'connect')
      socket.end(bytes)
      const answer = await text(socket)
      assert.match(answer, /^HTTP\/1\.1 4\d\d /)
      assert.match(answer, /application\/problem\+json/)
    }
    await stillServes()
  })

  it('of 10,000 random byte strings is refused 10,000 times, in flat memory', async () => {
    const random = randomBytes(20_260_517)
    const types = ['application/json', 'application/x-ndjson']
    const encodings = [undefined, undefined, 'gzip', 'br', 'zstd', 'deflate']
    const paths = ['/v1/events', '/v1/events', '/v1/events', '/v1/sessions']
    const pool = new Pool(run.url, { connections: 8 })
    const authorization = `Bearer ${run.writeKey}`
    const one = async (n: number) => {
      const encoding = encodings[n % encodings.length]
      const { statusCode, headers, body } = await pool.request({
        method: 'POST',
        path: paths[n % paths.length]!,
        headers: {
          authorization,
          'content-type': types[n % types.length]!,
          'idempotency-key': 'k',
          ...(encoding ? { 'content-encoding': encoding } : {})
        },
        body: random(16 + (n % 500))
      })
      const problem = (await body.json()) as { code: string; status: number }
      assert.ok(statusCode >= 400 && statusCode < 500, `${n}: ${statusCode}`)
      assert.equal(problem.status, statusCode)
      assert.match(String(headers['content-type']), /^application\/problem\+json/)
    }
    const volley = async (from: number, to: number) => {
      let n = from
      await Promise.all(
        Array.from({ length: 32 }, async () => {
          while (n < to) await one(n++)
        })
      )
    }
    await volley(0, 1_000)
    const before = heapMB()
    await volley(1_000, 10_000)
    const grown = heapMB() - before
    assert.ok(grown < 10, `the heap is ${grown.toFixed(1)} MB larger after 9,000 refusals`)
    await pool.close()
    await stillServes()
  })

  it('is counted by its code, and leaves the books balanced', async () => {
    await run.telemetry.ingest.close()
    const books = (await run.send('GET', '/v1/ledger')).body
    assert.equal(books.balanced, true)
    assert.ok(books.refused.malformed_json > 4 && books.refused.decoded_too_large === 2)
    assert.ok(books.refused.malformed_encoding > 1_000)
    const total = Object.values<number>(books.refused).reduce((a, b) => a + b, 0)
    assert.ok(total >= 10_000, `${total} refusals counted`)
  })
})
