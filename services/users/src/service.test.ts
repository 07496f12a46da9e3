import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { Compile } from 'typebox/schema'
import { createUsers } from './service.ts'
import { type RunningUsers, runUsers, type SendOptions } from './testing.ts'

const account = { email: 'ann@old.example', name: 'Ann Example', plan: 'free', region: 'eu-west' }

describe('users over HTTP', () => {
  let run: RunningUsers
  before(async () => {
    run = await runUsers({ isSignedIn: ({ headers }) => headers.cookie === 'signed=in' })
  })
  after(() => run.close())

  const register = (body: object, headers: Record<string, string> = {}) =>
    run.send('POST', '/v1/users', { body: { ...account, ...body }, headers })
  const change = (id: string, version: number | string, body: object, headers: Record<string, string> = {}) =>
    run.send('PATCH', `/v1/users/${id}`, {
      body,
      headers: { 'if-match': typeof version === 'number' ? `"${version}"` : version, ...headers }
    })
  const get = (id: string, query = '', options: SendOptions = {}) => run.send('GET', `/v1/users/${id}${query}`, options)
  const history = async (id: string, query = '') => (await get(id, `/history${query}`)).body
  const isProblem = (answer: Awaited<ReturnType<typeof get>>, status: number, code: string) => {
    assert.deepEqual([answer.status, answer.body?.code], [status, code], answer.text)
    assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/)
  }

  describe('an account', () => {
    it('is registered, read with its version, and told nothing personal in the answer to the command', async () => {
      const made = await register({ id: 'ann', flags: { beta: true } })
      assert.deepEqual(
        [made.status, made.headers.get('etag'), made.headers.get('location')],
        [201, '"1"', '/v1/users/ann']
      )
      assert.deepEqual(made.body, { id: 'ann', version: 1, events: ['user.registered'] })
      const read = await get('ann')
      assert.equal(read.headers.get('etag'), '"1"')
      assert.deepEqual(read.body, { id: 'ann', version: 1, ...account, flags: { beta: true }, erased: false })
      isProblem(await register({ id: 'ann' }), 409, 'user_exists')
      isProblem(await get('nobody'), 404, 'user_not_found')
    })

    it('changes only at the version that was read', async () => {
      await register({ id: 'bob' })
      isProblem(await run.send('PATCH', '/v1/users/bob', { body: { plan: 'pro' } }), 428, 'precondition_required')
      const changed = await change('bob', 1, { plan: 'pro', email: 'bob@new.example' })
      assert.deepEqual(changed.body, { id: 'bob', version: 3, events: ['user.email-changed', 'user.plan-changed'] })
      assert.equal(changed.headers.get('etag'), '"3"')
      const late = await change('bob', 1, { plan: 'team' })
      isProblem(late, 412, 'version_mismatch')
      assert.deepEqual([late.body.version, late.headers.get('etag')], [3, '"3"'])
      isProblem(await change('bob', 'W/"3"', { plan: 'team' }), 412, 'version_mismatch')
      isProblem(await change('bob', '3', { plan: 'team' }), 400, 'invalid_if_match')
      assert.equal((await change('bob', '"1", "3"', { plan: 'team' })).body.version, 4)
      assert.equal((await change('bob', '*', { plan: 'pro' })).body.version, 5)
      assert.deepEqual((await change('bob', 5, { plan: 'pro' })).body, { id: 'bob', version: 5, events: [] })
      isProblem(await change('nobody', 1, { plan: 'pro' }), 404, 'user_not_found')
      isProblem(await change('nobody', '*', { plan: 'pro' }), 404, 'user_not_found')
    })

    it('is changed by one of many who read the same', async () => {
      await register({ id: 'many' })
      const plans = ['a', 'b', 'c', 'd', 'e', 'f']
      const answers = await Promise.all(plans.map(plan => change('many', 1, { plan })))
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412, 412, 412])
      assert.equal((await get('many')).body.plan, plans[answers.findIndex(({ status }) => status === 200)])
    })

    it('is not sent again to who has it', async () => {
      await register({ id: 'same' })
      const again = await get('same', '', { headers: { 'if-none-match': '"7", W/"1"' } })
      assert.deepEqual([again.status, again.text], [304, ''])
      assert.equal((await get('same', '', { headers: { 'if-none-match': '"2"' } })).status, 200)
    })

    it('is deleted at its version, for a reason, and keeps its history', async () => {
      await register({ id: 'gone' })
      isProblem(await run.send('DELETE', '/v1/users/gone'), 428, 'precondition_required')
      const headers = { 'if-match': '"1"', 'x-plimsoll-reason': 'moved away' }
      assert.equal((await run.send('DELETE', '/v1/users/gone', { headers })).body.version, 2)
      isProblem(await get('gone'), 410, 'user_deleted')
      isProblem(await change('gone', 2, { plan: 'pro' }), 410, 'user_deleted')
      isProblem(await register({ id: 'gone' }), 409, 'user_exists')
      const { entries } = await history('gone')
      assert.deepEqual([entries[1].what, entries[1].why, entries[1].changes], ['user.deleted', 'moved away', []])
      const again = await run.send('DELETE', '/v1/users/gone', { headers: { 'if-match': '*' } })
      assert.deepEqual(again.body, { id: 'gone', version: 2, events: [] })
    })
  })

  describe('an Idempotency-Key', () => {
    it('makes of a retry the first answer, and of another body under it a refusal', async () => {
      const key = { 'idempotency-key': randomUUID() }
      const first = await register({}, key)
      const again = await register({}, key)
      assert.deepEqual([first.status, again.status, again.text], [201, 201, first.text])
      assert.equal(again.headers.get('idempotent-replayed'), 'true')
      assert.equal((await history(first.body.id)).entries.length, 1)
      isProblem(await register({ plan: 'pro' }, key), 422, 'idempotency_key_reused')
    })

    it('is not waited for longer than the request allows, and what was given up is not written', {
      timeout: 60_000
    }, async t => {
      const id = 'hurried'
      const keys = [{ 'idempotency-key': randomUUID() }, {}]
      const held = Promise.withResolvers<void>()
      const begun = Promise.withResolvers<void>()
      t.after(() => held.resolve())
      const holding = run.database.transaction(async tx => {
        await tx.exec('lock table idempotency.records, users.streams in access exclusive mode')
        begun.resolve()
        await held.promise
      })
      await begun.promise
      for (const key of keys)
        isProblem(await register({ id }, { ...key, 'x-request-deadline': '50' }), 503, 'store_slow')
      held.resolve()
      await holding
      let again = await register({ id }, keys[0])
      while (again.body.code === 'idempotency_in_flight') again = await register({ id }, keys[0])
      assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [201, null])
      assert.equal((await history(id)).entries.length, 1)
    })

    it('is asked for when nothing else says that two requests are one', async () => {
      isProblem(await register({}), 400, 'idempotency_key_missing')
    })
  })

  describe('the past', () => {
    it('is who changed what, when and why, from before to after, page by page', async () => {
      await register({ id: 'past', reason: 'signed up' }, { 'x-plimsoll-actor': 'user/past' })
      const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const headers = {
        'x-plimsoll-actor': 'support/7',
        'x-correlation-id': 'call-1',
        'x-causation-id': 'ticket-2',
        traceparent: trace
      }
      await change('past', 1, { email: 'ann@new.example', flags: { sso: true }, reason: 'Ann asked by phone' }, headers)
      const { entries, next } = await history('past')
      assert.equal(next, null)
      const [one, two, three] = entries
      assert.deepEqual([one.who, one.why, one.version], ['user/past', 'signed up', 1])
      assert.deepEqual(one.changes.slice(0, 2), [
        { field: 'email', before: null, after: 'ann@old.example' },
        { field: 'name', before: null, after: 'Ann Example' }
      ])
      assert.deepEqual(
        { ...two, at: null, eventId: null },
        {
          version: 2,
          at: null,
          what: 'user.email-changed',
          who: 'support/7',
          why: 'Ann asked by phone',
          changes: [{ field: 'email', before: 'ann@old.example', after: 'ann@new.example' }],
          erased: false,
          eventId: null,
          correlationId: 'call-1',
          causationId: 'ticket-2',
          traceparent: trace
        }
      )
      assert.deepEqual(three.changes, [{ field: 'flags.sso', before: null, after: true }])
      const versions = async (query: string) => {
        const page = await history('past', query)
        return [page.entries.map(({ version }: { version: number }) => version), page.next]
      }
      assert.deepEqual(await versions('?limit=2'), [[1, 2], '3'])
      assert.deepEqual(await versions('?limit=2&cursor=3'), [[3], null])
      assert.deepEqual(await versions('?limit=2&order=desc'), [[3, 2], '1'])
      assert.deepEqual(await versions('?limit=2&order=desc&cursor=1'), [[1], null])
      isProblem(await get('nobody', '/history'), 404, 'user_not_found')
    })

    it('can be read as of any moment', async () => {
      await register({ id: 'then' })
      await change('then', 1, { plan: 'pro' })
      await change('then', 2, { plan: 'team' })
      const { entries } = await history('then')
      for (const [i, plan] of ['free', 'pro', 'team'].entries()) {
        // Two in one millisecond are one moment.
        const last = entries.findLastIndex(({ at }: { at: string }) => at === entries[i].at)
        if (last !== i) continue
        const { body } = await get('then', `?at=${entries[i].at}`)
        assert.deepEqual([body.plan, body.version], [plan, i + 1])
      }
      const before = new Date(Date.parse(entries[0].at) - 1).toISOString()
      isProblem(await get('then', `?at=${before}`), 404, 'user_not_found')
      isProblem(await get('then', '?at=2026-02-30T00:00:00Z'), 400, 'invalid_time')
      isProblem(await get('then', '?at=yesterday'), 400, 'invalid_request')
    })
  })

  describe('the feed', () => {
    it('tells others what happened, in order, behind a cursor, and nothing personal', async () => {
      const since = (await run.feed(5)).cursor
      await register({ id: 'fed', flags: { beta: true }, reason: 'a secret reason' })
      await change('fed', 1, { email: 'fed@new.example', plan: 'pro' })
      const read = async (query: string) => (await run.send('GET', `/v1/user-events?${query}`)).body
      const events = []
      // A page ends at the horizon, and on a shared server that is the oldest transaction of any database on it.
      let page = await read(`after=${since}&limit=2`)
      for (; !page.caughtUp || page.events.length > 0; page = await read(`after=${page.cursor}&limit=2`)) {
        events.push(...page.events)
      }
      assert.deepEqual(
        events.map(({ type, userId, version, data }) => [type, userId, version, data]),
        [
          ['user.registered', 'fed', 1, { plan: 'free', region: 'eu-west', flags: { beta: true } }],
          ['user.email-changed', 'fed', 2, {}],
          ['user.plan-changed', 'fed', 3, { from: 'free', to: 'pro' }]
        ]
      )
      assert.ok(!JSON.stringify(events).includes('sealed'))
      for (const odd of ['7', '07-1', '7-', '-1', '1-1-1', '9999999999999999999-1'])
        isProblem(await run.send('GET', `/v1/user-events?after=${odd}`), 400, 'invalid_request')
      assert.deepEqual((await read('after=999999999999999999-1')).events, [], 'a place that nobody has reached')
    })

    it('can be followed in this process', async () => {
      const stop = new AbortController()
      const first = await run.users.follow(undefined, stop.signal).next()
      assert.equal(first.value?.events[0].type, 'user.registered')
      stop.abort()
    })
  })

  describe('who may', () => {
    it('is the admin; a signed-in console reads, and a write key does neither', async () => {
      await register({ id: 'kept' })
      const paths = ['/v1/users/kept', '/v1/users/kept/history', '/v1/user-events', '/v1/users/kept/erasure']
      for (const path of paths) {
        isProblem(await run.send('GET', path, { token: null }), 401, 'unauthorized')
        isProblem(await run.send('GET', path, { token: 'plk_abcdefghijkl_x' }), 403, 'write_key_cannot_read')
        isProblem(await run.send('GET', path, { token: 'guess' }), 401, 'unauthorized')
      }
      const cookie = { cookie: 'signed=in' }
      assert.equal((await get('kept', '', { token: null, headers: cookie })).status, 200)
      const writes: [string, string, object?][] = [
        ['POST', '/v1/users', { ...account, id: 'x' }],
        ['PATCH', '/v1/users/kept', { plan: 'pro' }],
        ['DELETE', '/v1/users/kept'],
        ['POST', '/v1/users/kept/erase', { reason: 'asked' }]
      ]
      for (const [method, path, body] of writes) {
        const sent = { token: null, headers: { ...cookie, 'if-match': '*' }, ...(body && { body }) }
        isProblem(await run.send(method, path, sent), 401, 'unauthorized')
      }
      assert.equal((await get('kept')).body.version, 1)
    })

    it('names themselves by an id and no address, because it is kept in clear', async () => {
      isProblem(await register({ id: 'ann@mail.example' }), 400, 'invalid_request')
      isProblem(await register({ id: 'x1' }, { 'x-plimsoll-actor': 'ann@mail.example' }), 400, 'invalid_request')
      isProblem(await register({ id: 'x1', email: 'no address' }), 400, 'invalid_request')
      isProblem(await register({ id: 'x1', admin: true }), 400, 'invalid_request')
      assert.equal((await get('x1')).status, 404)
    })
  })

  describe('the OpenAPI document', () => {
    it('lists every route, describes the answers that are given, and how each refuses', async () => {
      const document = (await run.send('GET', '/openapi.json')).body
      const listed = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
        Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`)
      )
      const served = run.routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
      assert.deepEqual(listed.sort(), served.sort())
      await register({ id: 'doc', flags: { a: true } })
      await change('doc', 1, { plan: 'pro', reason: 'why not' })
      const path = '/v1/users/{id}'
      const given: [method: string, path: string, status: number, answer: { status: number; body: unknown }][] = [
        ['post', '/v1/users', 201, await register({ id: 'doc2' })],
        ['get', path, 200, await get('doc')],
        ['patch', path, 200, await change('doc', '*', { plan: 'free' })],
        ['delete', path, 200, await run.send('DELETE', '/v1/users/doc2', { headers: { 'if-match': '*' } })],
        ['get', `${path}/history`, 200, await get('doc', '/history')],
        ['get', '/v1/user-events', 200, await run.send('GET', '/v1/user-events')]
      ]
      for (const [method, at, status, answer] of given) {
        assert.equal(answer.status, status)
        const schema = document.paths[at][method].responses[status].content['application/json'].schema
        assert.ok(Compile(schema).Check(answer.body), JSON.stringify(answer.body))
        assert.equal(Compile(schema).Check({}), false)
      }
      for (const status of [400, 401, 403, 404, 410, 412, 428, 503])
        assert.ok(document.paths[path].patch.responses[status], String(status))
    })
  })
})

describe('the master key', () => {
  it('is the one that the data was sealed with, or nothing starts', async () => {
    const run = await runUsers()
    try {
      const start = (byte: number) =>
        createUsers({ database: run.database, masterKey: Buffer.alloc(32, byte), adminToken: 'x' })
      await (await start(5)).stop()
      await assert.rejects(start(6), { code: 'PLIMSOLL_WRONG_MASTER_KEY' })
    } finally {
      await run.close()
    }
  })
})

describe('users without their store', () => {
  it('answer 503 with a moment to come back at', async () => {
    const run = await runUsers()
    try {
      await run.send('POST', '/v1/users', { body: { ...account, id: 'ann' } })
      await run.database.close()
      const answers = [
        await run.send('GET', '/v1/users/ann'),
        await run.send('PATCH', '/v1/users/ann', { body: { plan: 'pro' }, headers: { 'if-match': '*' } }),
        await run.send('POST', '/v1/users', { body: { ...account, id: 'bob' } }),
        await run.send('POST', '/v1/users/ann/erase', { body: { reason: 'asked' } })
      ]
      for (const { status, body, headers } of answers) {
        assert.deepEqual([status, body.code], [503, 'store_unavailable'])
        assert.match(headers.get('retry-after')!, /^[1-5]$/)
      }
    } finally {
      await run.close()
    }
  })
})
