import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'
import { open } from '@plimsoll/database'
import { createClient } from 'redis'
import { answerFirst } from './answer-first.ts'
import { claimFirst } from './claim-first.ts'
import { dedupeLater } from './dedupe-later.ts'
import { type Design, type Parts, type SentEvent, table } from './design.ts'
import { lockWindow } from './lock-window.ts'

/** One stand-in as a server: `POST /v1/events` with a JSON array, an object or NDJSON, answered 200 or 503. */

const designs: Record<string, (parts: Parts) => Design> = {
  'lock-window': lockWindow,
  'claim-first': claimFirst,
  'answer-first': answerFirst,
  'dedupe-later': dedupeLater
}

const [name = '', port, storeUrl = '', redisUrl = ''] = process.argv.slice(2)

const store = await open(storeUrl, { acquireTimeoutMs: 1_000 })
await store.exec(table)
const redis = createClient({ url: redisUrl, disableOfflineQueue: true })
redis.on('error', () => undefined)
await redis.connect()
const design = designs[name]!({
  store,
  claims: {
    async setIfAbsent(key, forMs) {
      const expiration = forMs === undefined ? {} : { expiration: { type: 'PX' as const, value: forMs } }
      return (await redis.set(`${name}:${key}`, '1', { condition: 'NX', ...expiration })) !== null
    }
  }
})

const server = createServer(async (request, response) => {
  const answer = (status: number, body: unknown) => {
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(status === 503 ? { 'retry-after': '1' } : {})
    })
    response.end(JSON.stringify(body))
  }
  let events: SentEvent[]
  try {
    const body = await text(unpacked(request))
    const parsed: unknown = request.headers['content-type']?.includes('ndjson')
      ? body
          .trim()
          .split('\n')
          .map(line => JSON.parse(line) as unknown)
      : JSON.parse(body)
    events = (Array.isArray(parsed) ? parsed : [parsed]) as SentEvent[]
  } catch {
    return answer(408, { code: 'unreadable' })
  }
  try {
    await design.take(events)
  } catch {
    return answer(503, { code: 'store_unavailable' })
  }
  answer(200, { results: events.map(({ id }) => ({ id, result: 'accepted' })) })
})

function unpacked(request: IncomingMessage): NodeJS.ReadableStream {
  if (request.headers['content-encoding'] !== 'gzip') return request
  const unpack = createGunzip()
  // A request that is cut ends the stream too, or its reader would wait for ever.
  request.once('error', error => unpack.destroy(error))
  return request.pipe(unpack)
}

server.listen(Number(port), '127.0.0.1', () => process.send?.('ready'))
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  void design.close().then(() => process.exit(0))
})
process.once('disconnect', () => process.exit(1))
