import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { manualClock } from '@plimsoll/resilience'
import { absent, unknown } from './enrichment.ts'
import { createMetadataClient, MetadataStatusError } from './metadata-client.ts'

const ann = { tier: 'pro', region: 'eu', flags: { beta: true } }

/** A metadata API that answers as it is told, and what it was asked. */
async function api(t: TestContext, answer: { status?: number; body?: unknown; mute?: boolean }) {
  const asked: { method: string; url: string; headers: IncomingMessage['headers']; body: unknown }[] = []
  const server = createServer(async (request, response) => {
    const body = request.method === 'POST' ? await json(request) : undefined
    asked.push({ method: request.method!, url: request.url!, headers: request.headers, body })
    if (answer.mute) return
    response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer.body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const clock = manualClock()
  const client = createMetadataClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { clock })
  t.after(() => client.close())
  return { asked, client, clock }
}

test('many users are asked for at once; one who is not in the answer is absent', async t => {
  const { asked, client } = await api(t, { body: { users: { ann }, absent: ['bob', 'constructor'] } })
  const found = await client.fetchMany(['ann', 'bob', 'constructor'])
  assert.deepEqual([...found.values()], [{ state: 'known', ...ann }, absent, absent])
  assert.deepEqual([asked[0]!.method, asked[0]!.url], ['POST', '/v1/users/metadata'])
  assert.deepEqual(asked[0]!.body, { ids: ['ann', 'bob', 'constructor'] })
  assert.equal(asked[0]!.headers['x-request-deadline'], undefined)
})

test('one user is asked for by a path that holds any id', async t => {
  const { asked, client } = await api(t, { body: { userId: '../a b?', ...ann } })
  assert.deepEqual(await client.fetchOne('../a b?'), { state: 'known', ...ann })
  assert.equal(asked[0]!.url, '/v1/users/..%2Fa%20b%3F/metadata')
})

test('an id that the contract does not take is absent, and spoils no other', async t => {
  const family = '👨‍👩‍👧‍👦'
  const impossible = ['', 'x'.repeat(201), '😀'.repeat(201), family.repeat(100), 'half \ud800 a pair']
  const possible = ['x'.repeat(200), '😀'.repeat(200), '__proto__', 'toString', '\u0001', 'a,b', '%2F', '../x', '.']
  const users = Object.fromEntries(possible.map(id => [id, ann]))
  const { asked, client } = await api(t, { body: { users, absent: [] } })
  const found = await client.fetchMany([...impossible, ...possible])
  assert.deepEqual(asked[0]!.body, { ids: possible })
  for (const id of impossible) assert.deepEqual(found.get(id), absent)
  for (const id of possible) assert.deepEqual(found.get(id), { state: 'known', ...ann }, id)
  for (const id of impossible) assert.deepEqual(await client.fetchOne(id), absent)
  assert.deepEqual(
    [...(await client.fetchMany(impossible)).values()],
    impossible.map(() => absent)
  )
  assert.equal(asked.length, 1, 'nobody is asked about them')
})

test('404 for one user is an answer, any other status is none', async t => {
  assert.deepEqual(await (await api(t, { status: 404, body: {} })).client.fetchOne('ann'), absent)
  for (const status of [400, 429, 500, 503]) {
    const { client } = await api(t, { status, body: {} })
    await assert.rejects(client.fetchOne('ann'), new MetadataStatusError(status))
    await assert.rejects(client.fetchMany(['ann']), new MetadataStatusError(status))
  }
  const batch = await api(t, { status: 404, body: {} })
  await assert.rejects(batch.client.fetchMany(['ann']), MetadataStatusError, 'a batch is never absent as a whole')
})

test('a user of whom the API answers outside the contract is unknown, and spoils no other', async t => {
  for (const metadata of [
    {},
    null,
    'pro',
    [ann],
    { ...ann, tier: null },
    { ...ann, tier: undefined },
    { ...ann, region: 'EU West' },
    { ...ann, tier: 'x'.repeat(33) },
    { ...ann, flags: null },
    { ...ann, flags: ['beta'] },
    { ...ann, flags: { beta: 'yes' } },
    { ...ann, flags: { 'nul\0': true } },
    { ...ann, flags: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`f${n}`, true])) }
  ]) {
    const { client } = await api(t, { body: { users: { ann: metadata, bea: ann } } })
    const found = await client.fetchMany(['ann', 'bea', 'cid'])
    assert.deepEqual([...found.values()], [unknown, { state: 'known', ...ann }, absent], JSON.stringify(metadata))
    assert.deepEqual(await (await api(t, { body: metadata })).client.fetchOne('ann'), unknown)
  }
})

test('an answer that cannot be read as a whole is a failure', async t => {
  for (const body of [undefined, null, 'busy', [], {}, { users: null }, { users: [ann] }])
    await assert.rejects((await api(t, { body })).client.fetchMany(['ann']), JSON.stringify(body))
  await assert.rejects((await api(t, { body: undefined })).client.fetchOne('ann'))
})

test('metadata without flags has none', async t => {
  const { client } = await api(t, { body: { tier: 'pro', region: 'eu' } })
  assert.deepEqual(await client.fetchOne('ann'), { state: 'known', tier: 'pro', region: 'eu', flags: {} })
})

test('a call ends when its caller gives up', async t => {
  const { asked, client, clock } = await api(t, { mute: true })
  const caller = new AbortController()
  const call = client.fetchMany(['ann'], { signal: caller.signal, deadline: clock.now() + 5_000 })
  while (asked.length === 0) await new Promise(setImmediate)
  assert.equal(asked[0]!.headers['x-request-deadline'], '5000', 'and what it had left is passed on')
  caller.abort()
  await assert.rejects(call, { name: 'AbortError' })
})
