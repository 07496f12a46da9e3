import assert from 'node:assert/strict'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { installProblemHandler, problemServerOptions } from './fastify.ts'
import { Problem } from './problem.ts'

interface Logged {
  err?: Error
  instance?: string
}

function server(t: TestContext) {
  const logged: Logged[] = []
  const app = Fastify({ ...problemServerOptions, bodyLimit: 1000, logger: { level: 'error', stream: sink(logged) } })
  installProblemHandler(app)
  const ids = { type: 'array', items: { type: 'string', maxLength: 3 } }
  app.post('/things', { schema: { body: { type: 'object', required: ['ids'], properties: { ids } } } }, () => 'made')
  app.get('/things/:id', () => 'thing')
  app.delete('/things/:id', () => 'gone')
  app.get('/files/*', () => 'file')
  app.get('/known', () => {
    throw new Problem(409, 'already_there', 'It is there.', {
      extra: { at: 3, status: 200 },
      headers: { 'retry-after': '7' }
    })
  })
  app.get('/broken', () => {
    throw new Error('password=hunter2')
  })
  app.get('/upstream', () => {
    throw Object.assign(new Error('http://10.0.0.7/secret said 404'), { statusCode: 404, code: 'UND_ERR_RESPONSE' })
  })
  t.after(() => app.close())
  return { app, logged }
}

function sink(logged: Logged[]) {
  return { write: (line: string) => void logged.push(JSON.parse(line) as Logged) }
}

const json = (payload: string) => ({
  method: 'POST' as const,
  url: '/things',
  payload,
  headers: { 'content-type': 'application/json' }
})

test('a problem that a handler throws is the answer, word for word', async t => {
  const answer = await server(t).app.inject('/known')
  assert.equal(answer.statusCode, 409)
  assert.match(answer.headers['content-type']!.toString(), /^application\/problem\+json/)
  assert.equal(answer.headers['retry-after'], '7')
  assert.deepEqual(answer.json(), {
    at: 3,
    type: 'urn:plimsoll:problem:already_there',
    title: 'Already there',
    status: 409,
    detail: 'It is there.',
    code: 'already_there'
  })
})

test('an unexpected error tells the client an instance and the log the cause', async t => {
  const { app, logged } = server(t)
  const answer = await app.inject('/broken')
  assert.equal(answer.statusCode, 500)
  assert.equal(answer.json().code, 'internal_error')
  assert.doesNotMatch(answer.body, /hunter2|stack|fastify\.test/)
  assert.match(answer.json().instance, /^urn:uuid:/)
  assert.equal(logged[0]?.instance, answer.json().instance)
  assert.match(logged[0]?.err?.message ?? '', /hunter2/)
})

test("another server's status is not ours", async t => {
  const answer = await server(t).app.inject('/upstream')
  assert.equal(answer.statusCode, 500)
  assert.doesNotMatch(answer.body, /10\.0\.0\.7/)
})

test('broken JSON is 400 and says where', async t => {
  const answer = await server(t).app.inject(json('{"ids":\n [1,]}'))
  assert.equal(answer.statusCode, 400)
  const { code, line, column, detail } = answer.json()
  assert.deepEqual({ code, line, column }, { code: 'malformed_json', line: 2, column: 5 })
  assert.match(detail, /line 2, column 5: expected a value/)
})

test('an empty body and a key that poisons prototypes are malformed too', async t => {
  const { app } = server(t)
  assert.equal((await app.inject(json(''))).json().code, 'malformed_json')
  const poisoned = await app.inject(json('{"__proto__":{"ids":[]}}'))
  assert.equal(poisoned.json().code, 'malformed_json')
  assert.match(poisoned.json().detail, /__proto__/)
})

test('validation says which field and what is wrong with it', async t => {
  const { app } = server(t)
  const wrong = await app.inject(json('{"ids":["ok","long"]}'))
  assert.equal(wrong.statusCode, 400)
  assert.equal(wrong.json().code, 'invalid_request')
  assert.deepEqual(wrong.json().errors, [{ path: 'body/ids/1', message: 'must NOT have more than 3 characters' }])
  const missing = await app.inject(json('{}'))
  assert.deepEqual(missing.json().errors, [{ path: 'body/ids', message: "must have required property 'ids'" }])
})

test('too large a body is 413, an unread type is 415', async t => {
  const { app } = server(t)
  const large = await app.inject(json(`{"ids":["${'x'.repeat(2000)}"]}`))
  assert.deepEqual([large.statusCode, large.json().code], [413, 'body_too_large'])
  const type = await app.inject({ ...json('<a/>'), headers: { 'content-type': 'text/xml' } })
  assert.deepEqual([type.statusCode, type.json().code], [415, 'unsupported_media_type'])
})

test('an unknown path is 404; a known path with another method is 405 and names what it knows', async t => {
  const { app } = server(t)
  const unknown = await app.inject('/nothing')
  assert.deepEqual([unknown.statusCode, unknown.json().code], [404, 'not_found'])
  const wrong = await app.inject({ method: 'PATCH', url: '/things/7?x=1' })
  assert.deepEqual([wrong.statusCode, wrong.json().code], [405, 'method_not_allowed'])
  assert.equal(wrong.headers.allow, 'DELETE, GET, HEAD')
  assert.equal((await app.inject({ method: 'PUT', url: '/files/a/b' })).headers.allow, 'GET, HEAD')
  assert.equal((await app.inject({ method: 'PUT', url: '/things/7/more' })).statusCode, 404)
})

test('a bad body does not hide that the method or the path is wrong', async t => {
  const { app } = server(t)
  assert.equal((await app.inject({ ...json('{'), method: 'PUT' })).statusCode, 405)
  assert.equal((await app.inject({ ...json('{'), url: '/nothing' })).statusCode, 404)
})

test('routes of a plugin that is registered later are covered', async t => {
  const { app } = server(t)
  app.register(async child => void child.get('/inner', () => 'x'), { prefix: '/v1' })
  assert.equal((await app.inject({ method: 'POST', url: '/v1/inner' })).statusCode, 405)
})

test('what the router refuses by itself is a problem too', async t => {
  const { app } = server(t)
  const undecodable = await app.inject('/things/%zz')
  assert.deepEqual([undecodable.statusCode, undecodable.json().code], [400, 'malformed_url'])
  const long = await app.inject(`/things/${'x'.repeat(500)}`)
  assert.deepEqual([long.statusCode, long.json().code], [414, 'uri_too_long'])
})

async function speak(port: number, bytes: string): Promise<{ status: number; head: string; body: string }> {
  const socket = connect(port, '127.0.0.1')
  socket.end(bytes)
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), head, body }
}

const codeOf = ({ body }: { body: string }): string => JSON.parse(body).code

test('on a real port: a wrong method, bytes that are not HTTP, headers without end', async t => {
  const { app } = server(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo

  const close = 'Host: x\r\nConnection: close\r\n\r\n'
  const wrong = await speak(port, `PUT /things/1 HTTP/1.1\r\n${close}`)
  assert.equal(wrong.status, 405)
  assert.match(wrong.head, /^allow: DELETE, GET, HEAD\r?$/m)

  const noise = await speak(port, 'ahoy\r\n\r\n')
  assert.deepEqual([noise.status, codeOf(noise)], [400, 'malformed_request'])
  assert.match(noise.head, /Content-Type: application\/problem\+json/)

  const unknownMethod = await speak(port, `HOIST /things HTTP/1.1\r\n${close}`)
  assert.equal(codeOf(unknownMethod), 'malformed_request')

  const headers = await speak(port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n${close}`)
  assert.deepEqual([headers.status, codeOf(headers)], [431, 'headers_too_large'])

  const right = await speak(port, `GET /things/1 HTTP/1.1\r\n${close}`)
  assert.deepEqual([right.status, right.body], [200, 'thing'])
})

test('a client that hangs up in the middle of its body is no failure of the server', async t => {
  const { app, logged } = server(t)
  const failed = Promise.withResolvers<unknown>()
  app.addHook('onError', async (_request, _reply, error) => failed.resolve(error))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  app.server.once('request', () => socket.destroy())
  socket.write(
    'POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"ids":'
  )
  await failed.promise
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(logged, [])
})
