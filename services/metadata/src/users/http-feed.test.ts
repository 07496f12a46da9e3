import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Clock } from '../clock.ts'
import { FeedStatusError, httpUserFeed } from './http-feed.ts'
import { FeedContractError } from './user-event.ts'

/** Answers as it is told, one request after another, and the last one for ever. */
async function serve(t: TestContext, answers: { status?: number; body: unknown }[]) {
  const asked: { path: string; token: string | undefined }[] = []
  const server = createServer((request, response) => {
    asked.push({ path: request.url!, token: request.headers.authorization })
    const { status = 200, body } = answers[Math.min(asked.length, answers.length) - 1]!
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const waited: number[] = []
  const clock: Clock = { now: Date.now, wait: async milliseconds => void waited.push(milliseconds) }
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { asked, waited, feed: httpUserFeed({ url, adminToken: 'secret', clock, pollMs: 700 }) }
}

test('it reads page after page, with the token, and waits when there is nothing new', async t => {
  const page = (cursor: string, caughtUp: boolean) => ({ body: { events: [{ n: cursor }], cursor, caughtUp } })
  const { asked, waited, feed } = await serve(t, [page('1-1', false), page('1-2', true), page('1-2', true)])
  const stop = new AbortController()
  const cursors: string[] = []
  for await (const { cursor } of feed.follow(undefined, stop.signal)) {
    cursors.push(cursor)
    if (cursors.length === 3) stop.abort()
  }
  assert.deepEqual(cursors, ['1-1', '1-2', '1-2'])
  const path = '/v1/user-events?limit=500'
  assert.deepEqual(
    asked.map(({ path }) => path),
    [path, `${path}&after=1-1`, `${path}&after=1-2`]
  )
  assert.equal(asked[0]!.token, 'Bearer secret')
  assert.equal(waited[0], 700)
})

test('what is no page is an error of its kind, and so is a refusal', async t => {
  const { feed } = await serve(t, [{ status: 401, body: {} }, { body: { events: 7 } }, { body: null }])
  const next = () => feed.follow('1-1', new AbortController().signal)[Symbol.asyncIterator]().next()
  await assert.rejects(next(), FeedStatusError)
  await assert.rejects(next(), FeedContractError)
  await assert.rejects(next(), FeedContractError)
})
