import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, createServer, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { closeHttpServer } from './http-server.ts'
import type { CutOff } from './step.ts'

/** A server whose answers are given by hand, and a client that keeps connections alive. */
async function setUp(t: TestContext) {
  const waiting: ServerResponse[] = []
  const server = createServer((_request, response) => void waiting.push(response))
  server.keepAliveTimeout = 600_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = new Agent({ keepAlive: true })
  t.after(() => {
    agent.destroy()
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const ask = () => {
    const asked = request({ port, host: '127.0.0.1', agent }).end()
    const answer = once(asked, 'response').then(([response]) => text(response))
    answer.catch(() => undefined)
    return { answer }
  }
  const abort = new AbortController()
  const close = () => closeHttpServer(server)({ signal: abort.signal, leftMs: 1_000 }) as Promise<CutOff | undefined>
  return { server, waiting, ask, abort, close }
}

test('what is in flight is answered, and what is kept alive is let go', async t => {
  const { waiting, ask, close, server } = await setUp(t)
  const [idle, busy] = [ask(), ask()]
  await until(() => waiting.length === 2)
  waiting[0]!.end('one')
  const closed = close()
  waiting[1]!.end('two')
  assert.equal(await closed, undefined)
  assert.deepEqual([await idle.answer, await busy.answer], ['one', 'two'])
  assert.equal(server.listening, false)
})

test('a request that never ends is cut off when time is up, and counted', async t => {
  const { waiting, ask, close, abort } = await setUp(t)
  const [one, two] = [ask(), ask()]
  await until(() => waiting.length === 2)
  const closed = close()
  waiting[0]!.end('one')
  await one.answer
  await once(waiting[0]!.req.socket, 'close')
  abort.abort()
  assert.deepEqual(await closed, { cutOff: '1 connection with a request in flight' })
  await assert.rejects(two.answer)
})

test('a server that does not listen is closed', async t => {
  const { close, server } = await setUp(t)
  server.close()
  assert.equal(await close(), undefined)
})

/** Lets the event loop turn until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate)
}
