import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { createServer } from './server.ts'

test('a close answers what came whole and waits for no half of a body', async () => {
  const app = await createServer({ title: 'Half', version: '1', halfReceivedMs: 1 })
  const release = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  app.post('/slow', async () => {
    arrived.resolve()
    await release.promise
    return 'done'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const whole = fetch(`http://127.0.0.1:${port}/slow`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}'
  })
  await arrived.promise
  const half = connect(port, '127.0.0.1')
  half.on('error', () => undefined)
  const halfSeen = once(app.server, 'request')
  half.write('POST /slow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{')
  await halfSeen
  const closed = app.close()
  await once(half, 'close')
  release.resolve()
  assert.equal(await (await whole).text(), 'done')
  const answeredAt = performance.now()
  await closed
  // Not for as long as a connection may stay open between two requests.
  assert.ok(performance.now() - answeredAt < 30_000, 'the close waited for a connection at rest')
})
