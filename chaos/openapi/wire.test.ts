import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { type TestContext, test } from 'node:test'
import { NoAnswer, readAnswer, Wire } from './wire.ts'

async function wireTo(t: TestContext, server: Server): Promise<Wire> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const wire = new Wire('127.0.0.1', (server.address() as AddressInfo).port)
  t.after(() => {
    wire.close()
    server.close()
  })
  return wire
}

const get = (path: string) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)

test('answers of a pipeline come in order, with a length or in chunks', async t => {
  const server = createServer((request, response) => {
    if (request.url === '/chunks') response.write('one ')
    response.end(request.url)
  })
  const wire = await wireTo(t, server)
  const answers = await wire.exchange([Buffer.concat([get('/a'), get('/chunks'), get('/c')])], ['GET', 'GET', 'GET'])
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.toString()]),
    [
      [200, '/a'],
      [200, 'one /chunks'],
      [200, '/c']
    ]
  )
})

test('a request in pieces is one request', async t => {
  const wire = await wireTo(
    t,
    createServer((request, response) => void response.end(request.url))
  )
  const bytes = get('/pieces')
  const [answer] = await wire.exchange([bytes.subarray(0, 9), bytes.subarray(9)], ['GET'])
  assert.equal(answer?.body.toString(), '/pieces')
})

test('a server that ends or cuts the connection has not answered', async t => {
  const wire = await wireTo(
    t,
    createTcpServer(socket => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')))
  )
  await assert.rejects(wire.exchange([get('/')], ['GET']), NoAnswer)
  const cut = await wireTo(
    t,
    createTcpServer(socket => socket.once('data', () => socket.resetAndDestroy()))
  )
  await assert.rejects(cut.exchange([get('/')], ['GET']), NoAnswer)
})

test('an answer is read when it is whole, and not before', () => {
  const bytes = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP')
  for (let length = 0; length < bytes.length - 4; length++) {
    assert.equal(readAnswer(bytes.subarray(0, length), 'GET', false), undefined)
  }
  assert.equal(readAnswer(bytes, 'GET', false)?.length, bytes.length - 4)
  const head = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')
  assert.equal(readAnswer(head, 'HEAD', false)?.length, head.length)
  assert.throws(() => readAnswer(Buffer.from('SMTP ready\r\n\r\n'), 'GET', false), NoAnswer)
})
