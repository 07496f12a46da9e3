import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Clock } from './clock.ts'
import { demoDirectory, memoryDirectory, type UserDirectory } from './directory.ts'
import { createMetadataService } from './service.ts'

const admin = { authorization: 'Bearer letmein' }
const gold = { tier: 'gold', region: 'north', flags: { beta: true } }
const now = 1_700_000_000_000

/** A clock that stands still until someone waits; then it is as late as they wanted. */
function handClock(): Clock & { waited: number[] } {
  const waited: number[] = []
  let time = now
  return {
    waited,
    now: () => time,
    wait: async milliseconds => {
      waited.push(milliseconds)
      time += milliseconds
    }
  }
}

function service(t: TestContext, { directory = memoryDirectory() as UserDirectory, faultKnobs = true } = {}) {
  const clock = handClock()
  const app = createMetadataService({ directory, adminToken: 'letmein', faultKnobs, clock })
  t.after(() => app.close())
  const put = (id: string, payload: object, headers = admin) =>
    app.inject({ method: 'PUT', url: `/v1/users/${encodeURIComponent(id)}/metadata`, payload, headers })
  const get = (id: string, headers = {}) => app.inject({ url: `/v1/users/${encodeURIComponent(id)}/metadata`, headers })
  const batch = (ids: unknown) => app.inject({ method: 'POST', url: '/v1/users/metadata', payload: { ids } })
  const faults = (payload: object) => app.inject({ method: 'PUT', url: '/admin/faults', payload, headers: admin })
  return { app, clock, put, get, batch, faults }
}

test('a user has metadata or is not found', async t => {
  const { put, get } = service(t)
  assert.equal((await put('ann', gold)).statusCode, 200)
  assert.deepEqual((await get('ann')).json(), { userId: 'ann', ...gold })
  const absent = await get('bob')
  assert.deepEqual([absent.statusCode, absent.json().code], [404, 'user_not_found'])
})

test('any characters make an id, up to 200 of them', async t => {
  const { put, get } = service(t)
  const strange = '../é?#%/'.repeat(25)
  assert.equal((await put(strange, gold)).statusCode, 200)
  assert.equal((await get(strange)).json().userId, strange)
  assert.equal((await get('x'.repeat(201))).json().code, 'invalid_request')
})

test('odd ids are known or absent as any other, alone and in a batch', async t => {
  const { put, get, batch } = service(t)
  const odd = [
    'constructor',
    '__proto__',
    'toString',
    '\u0001',
    '\u0000',
    '../x',
    'a,b',
    '%',
    '%2F',
    ' ',
    '?',
    '#',
    '"'
  ]
  const known = [...odd, 'é'.repeat(200), '😀'.repeat(200)]
  for (const id of known) assert.equal((await get(id)).statusCode, 404, JSON.stringify(id))
  assert.deepEqual((await batch(known)).json(), { users: {}, absent: known })
  for (const id of known) assert.equal((await put(id, gold)).statusCode, 200, JSON.stringify(id))
  for (const id of known) assert.equal((await get(id)).json().userId, id)
  const { users, absent } = (await batch([...known, 'bob'])).json()
  assert.deepEqual([Object.keys(users).sort(), absent], [known.toSorted(), ['bob']])
  for (const id of ['', 'x'.repeat(201), '👨‍👩‍👧‍👦'.repeat(100)])
    assert.equal((await batch(['ann', id])).statusCode, 400, 'a contract broken is told, not passed over')
})

test('a batch says of every id, once, what it has or that it is absent', async t => {
  const { put, batch } = service(t)
  await put('ann', gold)
  await put('__proto__', gold)
  const answer = await batch(['ann', 'bob', 'ann', '__proto__', 'bob'])
  assert.equal(answer.statusCode, 200)
  assert.match(answer.body, /"__proto__":\{"tier":"gold"/)
  const { users, absent } = JSON.parse(answer.body)
  assert.deepEqual(users.ann, gold)
  assert.deepEqual(absent, ['bob'])
})

test('a batch of a thousand long ids fits, one more does not', async t => {
  const { batch } = service(t, { directory: demoDirectory({ seed: 1 }) })
  const ids = Array.from({ length: 1000 }, (_, n) => `demo-user-${n}-`.padEnd(200, '\u0001'))
  const answer = (await batch(ids)).json()
  assert.equal(Object.keys(answer.users).length + answer.absent.length, 1000)
  assert.equal((await batch([...ids, 'x'])).json().code, 'invalid_request')
})

test('a batch of nothing, of something else, or with other keys is refused', async t => {
  const { app, batch } = service(t)
  for (const ids of [[], [1], [''], ['x'.repeat(201)], 'ann', undefined]) {
    assert.equal((await batch(ids)).json().code, 'invalid_request', JSON.stringify(ids))
  }
  const more = await app.inject({ method: 'POST', url: '/v1/users/metadata', payload: { ids: ['a'], deep: true } })
  assert.equal(more.json().errors[0].path, 'body/deep')
})

test('metadata is checked before it is kept', async t => {
  const { put } = service(t)
  const flags = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`f${n}`, true]))
  const wrong = [
    {},
    { ...gold, tier: 'Gold!' },
    { ...gold, region: '' },
    { ...gold, flags: { a: 1 } },
    { ...gold, flags }
  ]
  for (const body of [...wrong, { ...gold, colour: 'red' }]) {
    assert.equal((await put('ann', body)).json().code, 'invalid_request', JSON.stringify(body))
  }
})

test('writing needs the admin token', async t => {
  const { app, put } = service(t)
  const refused = await put('ann', gold, { authorization: 'Bearer guess' })
  assert.deepEqual([refused.statusCode, refused.json().code], [401, 'unauthorized'])
  assert.equal(refused.headers['www-authenticate'], 'Bearer')
  const url = '/v1/users/ann/metadata'
  assert.equal((await app.inject({ method: 'DELETE', url })).statusCode, 401)
  assert.equal((await app.inject({ method: 'DELETE', url, headers: admin })).statusCode, 404)
  await put('ann', gold)
  assert.equal((await app.inject({ method: 'DELETE', url, headers: admin })).statusCode, 204)
  assert.equal((await app.inject({ url })).statusCode, 404)
})

test('a directory that can only be read has no writing routes', async t => {
  const { put } = service(t, { directory: demoDirectory({ seed: 1 }) })
  const refused = await put('ann', gold)
  assert.equal(refused.statusCode, 405)
  assert.equal(refused.headers.allow, 'GET, HEAD')
})

test('a full directory says so', async t => {
  const { put } = service(t, { directory: memoryDirectory({ capacity: 0 }) })
  const refused = await put('ann', gold)
  assert.deepEqual([refused.statusCode, refused.json().code], [507, 'directory_full'])
})

test('a deadline that has passed is answered without asking the directory', async t => {
  let lookups = 0
  const directory: UserDirectory = {
    lookup: async () => {
      lookups++
      return new Map([['ann', gold]])
    }
  }
  const { get } = service(t, { directory })
  const late = await get('ann', { 'x-request-deadline': '0' })
  assert.deepEqual([late.statusCode, late.json().code], [504, 'deadline_exceeded'])
  assert.equal(lookups, 0)
  assert.equal((await get('ann', { 'x-request-deadline': '1' })).statusCode, 200)
  assert.equal((await get('ann', { 'x-request-deadline': 'soon' })).json().code, 'invalid_deadline')
})

test('the fault knobs exist only when asked for, and only with a token', async t => {
  const { app } = service(t, { faultKnobs: false })
  assert.equal((await app.inject({ url: '/admin/faults', headers: admin })).statusCode, 404)
  assert.throws(() => createMetadataService({ directory: memoryDirectory(), faultKnobs: true }), /adminToken/)
  const guarded = service(t).app
  assert.equal((await guarded.inject('/admin/faults')).statusCode, 401)
})

test('latency is added before an answer, and the jitter on top of it', async t => {
  const { clock, put, get, faults } = service(t)
  await put('ann', gold)
  await faults({ latencyMs: 800 })
  assert.equal((await get('ann')).statusCode, 200)
  assert.deepEqual(clock.waited, [800])
  await faults({ latencyMs: 800, jitterMs: 100 })
  await get('ann')
  assert.ok(clock.waited[1]! > 800 && clock.waited[1]! < 900)
})

test('a deadline that passes during the latency is missed', async t => {
  const { put, get, faults } = service(t)
  await put('ann', gold)
  await faults({ latencyMs: 800 })
  assert.equal((await get('ann', { 'x-request-deadline': '500' })).statusCode, 504)
})

test('errors come at their rate, and the same ones for the same seed', async t => {
  const { put, get, faults } = service(t)
  await put('ann', gold)
  const round = async (seed: number) => {
    await faults({ errorRate: 0.3, seed })
    const statuses: number[] = []
    for (let i = 0; i < 200; i++) statuses.push((await get('ann')).statusCode)
    return statuses
  }
  const first = await round(5)
  const failed = first.filter(status => status === 500).length
  assert.ok(failed > 35 && failed < 85, `${failed} of 200 failed`)
  assert.deepEqual(await round(5), first)
  assert.notDeepEqual(await round(6), first)
})

test('what is left out of the settings is off', async t => {
  const { app, put, get, faults } = service(t)
  await put('ann', gold)
  await faults({ errorRate: 1 })
  assert.equal((await get('ann')).json().code, 'injected_fault')
  assert.deepEqual((await faults({})).json(), {})
  assert.equal((await get('ann')).statusCode, 200)
  assert.equal((await faults({ errorRate: 2 })).json().code, 'invalid_request')
  assert.equal((await faults({ latncyMs: 2 })).json().code, 'invalid_request')
  await faults({ latencyMs: 5 })
  assert.deepEqual((await app.inject({ url: '/admin/faults', headers: admin })).json(), { latencyMs: 5 })
})

test('on a real port: a request that hangs is let go when the service closes', async t => {
  const { app, faults } = service(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  await faults({ hang: true })
  const { port } = app.server.address() as AddressInfo
  const seen = once(app.server, 'request')
  const socket = connect(port, '127.0.0.1')
  const closed = once(socket, 'close')
  let received = ''
  socket.on('data', chunk => {
    received += chunk
  })
  socket.write('GET /v1/users/ann/metadata HTTP/1.1\r\nHost: x\r\n\r\n')
  await seen
  await app.close()
  await closed
  assert.equal(received, '')
})

test('on a real port: broken JSON and a wrong method are problems', async t => {
  const { app } = service(t)
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const headers = { 'content-type': 'application/json' }
  const broken = await fetch(`${address}/v1/users/metadata`, { method: 'POST', body: '{"ids":[', headers })
  assert.equal(broken.status, 400)
  assert.match(broken.headers.get('content-type')!, /^application\/problem\+json/)
  assert.equal(((await broken.json()) as { code: string }).code, 'malformed_json')
  const wrong = await fetch(`${address}/v1/users/metadata`, { method: 'PATCH', body: 'x' })
  assert.equal(wrong.status, 405)
  assert.equal(wrong.headers.get('allow'), 'POST')
})
