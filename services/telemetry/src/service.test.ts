import assert from 'node:assert/strict'
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { headOf } from '@plimsoll/eventlog'
import { Compile } from 'typebox/schema'
import { adminToken, metadataOf, type RunningTelemetry, runTelemetry, type SendOptions } from './testing.ts'

const now = () => new Date().toISOString()
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
const event = (over: object = {}) => ({
  id: randomUUIDv7(),
  type: 'session.start',
  time: now(),
  user: { id: 'pro-ann' },
  session: { id: randomUUIDv7() },
  ...over
})
const use = (over: object = {}) => event({ type: 'feature.used', data: { feature: 'search', durationMs: 12 }, ...over })

describe('the write side over HTTP', () => {
  let run: RunningTelemetry
  before(async () => {
    run = await runTelemetry()
  })
  after(() => run.close())
  beforeEach(() => {
    run.metadata.mood = 'well'
  })

  const post = (body: unknown, options: SendOptions = {}) => run.send('POST', '/v1/events', { body, ...options })
  const postSession = (body: unknown, key?: string, options: SendOptions = {}) =>
    run.send('POST', '/v1/sessions', {
      body,
      ...options,
      headers: { ...(key === undefined ? {} : { 'idempotency-key': key }), ...options.headers }
    })
  const get = (id: string, options: SendOptions = {}) => run.send('GET', `/v1/sessions/${id}`, options)
  const put = (id: string, body: unknown, options: SendOptions = {}) =>
    run.send('PUT', `/v1/sessions/${id}`, { body, ...options })
  const remove = (id: string, options: SendOptions = {}) => run.send('DELETE', `/v1/sessions/${id}`, options)
  const ledger = async (project = 'shop') =>
    (await run.send('GET', '/v1/ledger', { headers: { 'x-plimsoll-project': project } })).body
  /** What a step adds to the books. */
  const bookedBy = async (step: () => Promise<unknown>) => {
    const { received, accepted, duplicate, rejected } = await ledger()
    await step()
    const after = await ledger()
    return [
      after.received - received,
      after.accepted - accepted,
      after.duplicate - duplicate,
      after.rejected - rejected
    ]
  }
  const isProblem = (answer: Awaited<ReturnType<typeof post>>, status: number, code: string) => {
    assert.deepEqual([answer.status, answer.body?.code], [status, code], answer.text)
    assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/)
    assert.equal(answer.body.status, status)
    assert.ok(answer.body.detail.length > 0)
  }

  describe('POST /v1/events', () => {
    it('takes one event, and says so after it can be read back', async () => {
      const one = event()
      const answer = await post(one)
      assert.equal(answer.status, 200)
      assert.deepEqual(answer.body.results, [{ id: one.id, result: 'accepted' }])
      assert.ok(Math.abs(Date.parse(answer.body.receivedAt) - Date.now()) < 60_000)
      const session = await get(one.session.id)
      assert.deepEqual(session.body, {
        id: one.session.id,
        user: { id: 'pro-ann' },
        startedAt: one.time,
        lastActivityAt: one.time,
        endedAt: null,
        events: 1,
        visits: 1,
        enrichment: metadataOf('pro-ann')
      })
    })

    it('tells a place in the log that holds what it took, for whoever wants to read it', async () => {
      const placeOf = ({ headers }: Awaited<ReturnType<typeof post>>) => headers.get('plimsoll-position')
      const one = event()
      const { id } = one.session
      const answers = [
        () => post([one, use()]),
        () => postSession({ user: { id: 'pro-ann' } }, randomUUID()),
        () => put(id, { tier: 'team', region: 'eu' }),
        () => remove(id)
      ]
      let before = ''
      for (const send of answers) {
        const place = placeOf(await send())
        const { xid, position } = await headOf(run.database)
        assert.equal(place, `${xid}.${position}`)
        assert.notEqual(place, before)
        before = place!
      }
      assert.equal(placeOf(await post(one)), before, 'of a duplicate, a place that holds the first')
    })

    it('takes an array, an NDJSON body, and any of the encodings', async () => {
      const two = () => [event(), use()]
      const lines = (events: object[]) => events.map(e => `${JSON.stringify(e)}\n`).join('')
      const ndjson = { 'content-type': 'application/x-ndjson' }
      const gzip = promisify(zlib.gzip)
      const answers = [
        await post(two()),
        await post(lines(two()), { headers: ndjson }),
        await post(lines(two()), { headers: { 'content-type': 'Application/NDJSON; charset=utf-8' } }),
        await post(await gzip(JSON.stringify(two())), { headers: { 'content-encoding': 'gzip' } }),
        await post(await gzip(lines(two())), { headers: { ...ndjson, 'content-encoding': 'gzip' } }),
        await post(zlib.brotliCompressSync(JSON.stringify(two())), { headers: { 'content-encoding': 'br' } }),
        await post(zlib.zstdCompressSync(JSON.stringify(two())), { headers: { 'content-encoding': 'zstd' } })
      ]
      for (const answer of answers) {
        assert.deepEqual(
          answer.body.results?.map((r: { result: string }) => r.result),
          ['accepted', 'accepted'],
          answer.text
        )
      }
    })

    it('judges each event by itself and in its place', async () => {
      const [good, other] = [event(), use()]
      const body = [
        good,
        { ...event(), type: 'nonsense' },
        7,
        good,
        { ...good, user: { id: 'someone-else' } },
        event({ time: daysAgo(35) }),
        event({ time: new Date(Date.now() + 3_600_000).toISOString() }),
        use({ data: { feature: 'x', big: 'x'.repeat(33_000) } }),
        other
      ]
      let answer: Awaited<ReturnType<typeof post>>
      const booked = await bookedBy(async () => {
        answer = await post(body)
      })
      assert.equal(answer!.status, 200)
      assert.deepEqual(
        answer!.body.results.map((r: { result: string; code?: string }) => r.code ?? r.result),
        [
          'accepted',
          'unknown_type',
          'invalid_event',
          'duplicate',
          'id_conflict',
          'too_old',
          'time_in_future',
          'event_too_large',
          'accepted'
        ]
      )
      for (const { code, result, detail } of answer!.body.results) {
        assert.equal(result === 'rejected', code !== undefined)
        if (code) assert.ok(detail.length > 0)
      }
      assert.deepEqual(booked, [9, 2, 1, 6])
    })

    it('leaves the other lines of an NDJSON body unharmed by one that is not JSON', async () => {
      const body = `${JSON.stringify(event())}\n{"id": \n${JSON.stringify(use())}`
      const answer = await post(body, { headers: { 'content-type': 'application/x-ndjson' } })
      assert.deepEqual(
        answer.body.results.map((r: { result: string }) => r.result),
        ['accepted', 'rejected', 'accepted']
      )
    })

    it('counts an event once, however often and with whatever clock it is sent', async () => {
      const one = use()
      const booked = await bookedBy(async () => {
        await post(one)
        assert.equal((await post(one)).body.results[0].result, 'duplicate')
        const fast = new Date(Date.now() + 3_600_000).toISOString()
        const skewed = await post(one, { headers: { 'x-sent-at': fast } })
        assert.equal(skewed.body.results[0].result, 'duplicate')
      })
      assert.deepEqual(booked, [3, 1, 2, 0])
      assert.equal((await get(one.session.id)).body.events, 1)
    })

    it('counts an event once when many send it at the same moment', async () => {
      const one = event()
      const answers = await Promise.all(Array.from({ length: 20 }, () => post([one, event()])))
      const results = answers.map(answer => answer.body.results[0].result)
      assert.equal(results.filter(result => result === 'accepted').length, 1)
      assert.equal(results.filter(result => result === 'duplicate').length, 19)
    })

    it('corrects a clock that X-Sent-At shows to be wrong', async () => {
      const off = 3_600_000
      const one = event({ time: new Date(Date.now() + off).toISOString() })
      assert.equal((await post(one)).body.results[0].code, 'time_in_future')
      const sentAt = new Date(Date.now() + off).toISOString()
      assert.equal((await post(one, { headers: { 'x-sent-at': sentAt } })).body.results[0].result, 'accepted')
      const started = Date.parse((await get(one.session.id)).body.startedAt)
      assert.ok(Math.abs(started - Date.now()) < 60_000)
      isProblem(await post(event(), { headers: { 'x-sent-at': 'noon' } }), 400, 'invalid_sent_at')
    })

    it('tells which events are in the log, to a key of their project', async () => {
      const sent = event()
      const unknown = randomUUID()
      await post(sent)
      const ask = (ids: string[], headers = {}, token?: string) =>
        run.send('POST', '/v1/events/lookup', { body: { ids }, headers, ...(token ? { token } : {}) })
      const { status, body } = await ask([unknown, sent.id.toUpperCase(), sent.id])
      assert.equal(status, 200)
      assert.deepEqual(
        body.receipts.map(({ id, state }: { id: string; state: string }) => [id, state]),
        [
          [unknown, 'unknown'],
          [sent.id, 'accepted'],
          [sent.id, 'accepted']
        ]
      )
      assert.equal(body.receipts[0].recordedAt, null)
      assert.ok(Math.abs(Date.parse(body.receipts[1].recordedAt) - Date.now()) < 600_000)
      const elsewhere = await ask([sent.id], { 'x-plimsoll-project': 'elsewhere' }, adminToken)
      assert.equal(elsewhere.body.receipts[0].state, 'unknown', 'another project has not got it')
      assert.equal((await ask([])).status, 400)
      assert.equal((await ask(['x'])).status, 400)
    })

    it('takes old events only with a key that may backfill, and when asked to', async () => {
      const old = () => event({ time: '2015-05-17T10:05:03Z' })
      const asked = { 'x-plimsoll-backfill': '1' }
      assert.equal((await post(old())).body.results[0].code, 'too_old')
      assert.equal((await post(old(), { token: run.backfillKey })).body.results[0].code, 'too_old')
      isProblem(await post(old(), { headers: asked }), 403, 'backfill_not_allowed')
      for (const token of [run.backfillKey, adminToken]) {
        assert.equal((await post(old(), { token, headers: asked })).body.results[0].result, 'accepted')
      }
      const tooOld = [event({ time: '1969-12-31T23:59:59Z' }), event({ time: '0001-01-01T00:00:00Z' })]
      const answer = await post(tooOld, { token: run.backfillKey, headers: asked })
      assert.deepEqual(
        answer.body.results.map((r: { code: string }) => r.code),
        ['too_old', 'too_old']
      )
    })

    it('stores what it could not ask for as unknown, and says nothing else of it', async () => {
      run.metadata.mood = 'failing'
      const one = event({ user: { id: 'pro-late' } })
      assert.equal((await post(one)).body.results[0].result, 'accepted')
      assert.equal((await get(one.session.id)).body.enrichment, 'unknown')
      run.metadata.mood = 'well'
      run.clock.advance(2_000)
      const next = event({ user: { id: 'pro-late' }, session: one.session, type: 'session.heartbeat' })
      await post(next)
      assert.deepEqual((await get(one.session.id)).body.enrichment, metadataOf('pro-late'))
      const nobody = event({ user: { id: 'nobody' } })
      await post(nobody)
      assert.equal((await get(nobody.session.id)).body.enrichment, 'absent')
    })

    it('waits for a mute metadata API no longer than its budget', async () => {
      run.metadata.mood = 'mute'
      const started = run.clock.now()
      const one = event({ user: { id: 'pro-waiting' } })
      const asked = run.metadata.asked
      let answer: Awaited<ReturnType<typeof post>> | undefined
      const posting = post(one).then(given => {
        answer = given
      })
      while (run.metadata.asked === asked) await new Promise(setImmediate)
      await run.clock.flow(99)
      assert.equal(answer, undefined)
      await run.clock.flow(1)
      await posting
      assert.equal(answer!.body.results[0].result, 'accepted')
      assert.equal(run.clock.now() - started, 100)
      assert.equal((await get(one.session.id)).body.enrichment, 'unknown')
      run.metadata.mood = 'well'
      await run.clock.flow(2_000)
    })
  })

  describe('POST /v1/sessions', () => {
    it('makes a session and answers with it', async () => {
      const answer = await postSession({ user: { id: 'free-bob' }, data: { from: 'mobile' } }, randomUUID())
      assert.equal(answer.status, 201)
      const { id, startedAt, ...rest } = answer.body
      assert.match(id, /^[0-9a-f-]{36}$/)
      assert.deepEqual(rest, {
        user: { id: 'free-bob' },
        lastActivityAt: startedAt,
        endedAt: null,
        events: 1,
        visits: 1,
        enrichment: metadataOf('free-bob')
      })
      assert.equal(answer.headers.get('idempotent-replayed'), null)
      assert.deepEqual((await get(id)).body, answer.body)
    })

    it('needs a key', async () => {
      for (const key of [undefined, '', '  ', '""']) {
        isProblem(await postSession({ user: { id: 'ann' } }, key), 400, 'idempotency_key_missing')
      }
      isProblem(await postSession({ user: { id: 'ann' } }, 'k'.repeat(300)), 400, 'invalid_request')
    })

    it('gives the same answer, byte for byte, to the same request, whatever happened since', async () => {
      const key = randomUUID()
      const body = { user: { id: 'pro-ann' } }
      const first = await postSession(body, key)
      await post(event({ session: { id: first.body.id }, type: 'session.end' }))
      for (const form of [key, `"${key}"`]) {
        const again = await postSession(body, form)
        assert.deepEqual([again.status, again.text], [201, first.text])
        assert.equal(again.headers.get('idempotent-replayed'), 'true')
      }
      assert.equal((await get(first.body.id)).body.events, 2)
    })

    it('makes one session when a client does not wait for its first answer', async () => {
      const key = randomUUID()
      const booked = await bookedBy(async () => {
        const answers = await Promise.all(
          Array.from({ length: 10 }, () => postSession({ user: { id: 'pro-ann' } }, key))
        )
        assert.deepEqual([...new Set(answers.map(answer => `${answer.status} ${answer.text}`))].length, 1)
        const replayed = answers.filter(answer => answer.headers.get('idempotent-replayed') === 'true')
        assert.equal(replayed.length, 9)
      })
      assert.deepEqual(booked, [10, 1, 9, 0])
    })

    it('refuses a key that was used with another body, and knows it for the same when only the order differs', async () => {
      const key = randomUUID()
      const id = randomUUIDv7()
      const first = await postSession({ id, user: { id: 'pro-ann' }, startedAt: now() }, key)
      assert.equal(first.body.id, id)
      isProblem(await postSession({ id, user: { id: 'pro-eve' } }, key), 422, 'idempotency_key_reused')
      const { startedAt } = first.body
      const other = randomUUID()
      const a = await postSession({ user: { id: 'pro-ann' }, startedAt }, other)
      const b = await postSession({ startedAt, user: { id: 'pro-ann' } }, other)
      assert.equal(b.text, a.text)
    })

    it('keeps the keys of projects apart', async () => {
      const key = randomUUID()
      const elsewhere = (await run.telemetry.keys.create('blog')).token
      const [shop, blog] = [
        await postSession({ user: { id: 'pro-ann' } }, key),
        await postSession({ user: { id: 'pro-eve' } }, key, { token: elsewhere })
      ]
      assert.deepEqual([shop.status, blog.status], [201, 201])
      assert.notEqual(shop.body.id, blog.body.id)
    })

    it('corrects a start by a clock that X-Sent-At shows to be wrong', async () => {
      const said = new Date(Date.now() + 3_600_000).toISOString()
      const made = await postSession({ user: { id: 'pro-ann' }, startedAt: said }, randomUUID(), {
        headers: { 'x-sent-at': said }
      })
      assert.equal(made.status, 201, made.text)
      assert.ok(Math.abs(Date.parse(made.body.startedAt) - Date.now()) < 60_000)
    })

    it('refuses what an event would be refused for', async () => {
      const tries: [object, string][] = [
        [{}, 'invalid_request'],
        [{ user: { id: 7 } }, 'invalid_request'],
        [{ user: { id: 'a' }, extra: 1 }, 'invalid_request'],
        [{ user: { id: 'a\0' } }, 'invalid_text'],
        [{ user: { id: 'a' }, startedAt: daysAgo(35) }, 'too_old'],
        [{ user: { id: 'a' }, startedAt: '2026-02-30T00:00:00Z' }, 'invalid_event'],
        [{ user: { id: 'a' }, data: { big: 'x'.repeat(33_000) } }, 'event_too_large']
      ]
      for (const [body, code] of tries) isProblem(await postSession(body, randomUUID()), 400, code)
    })

    it('takes an old start from a key that may send one, and when asked to', async () => {
      const old = { user: { id: 'pro-ann' }, startedAt: daysAgo(400) }
      const headers = { 'x-plimsoll-backfill': '1' }
      isProblem(await postSession(old, randomUUID(), { headers }), 403, 'backfill_not_allowed')
      const made = await postSession(old, randomUUID(), { headers, token: run.backfillKey })
      assert.deepEqual([made.status, made.body.startedAt], [201, old.startedAt])
    })

    it('refuses the id of a session that was deleted, as often as it is sent, until a PUT brings it back', async () => {
      const one = event()
      await post(one)
      await remove(one.session.id)
      const key = randomUUID()
      const body = { id: one.session.id, user: { id: 'pro-ann' } }
      const booked = await bookedBy(async () => {
        for (let time = 0; time < 2; time++) isProblem(await postSession(body, key), 409, 'session_deleted')
      })
      assert.deepEqual(booked, [2, 0, 0, 2])
      isProblem(await get(one.session.id), 404, 'session_not_found')
      assert.equal((await put(one.session.id, { user: { id: 'pro-ann' } })).status, 200)
      const made = await postSession(body, key)
      assert.deepEqual([made.status, made.body.id, made.body.events], [201, one.session.id, 1], made.text)
    })

    it('gives the answer that was given when its session has been deleted since', async () => {
      const key = randomUUID()
      const first = await postSession({ user: { id: 'pro-ann' } }, key)
      await remove(first.body.id)
      const again = await postSession({ user: { id: 'pro-ann' } }, key)
      assert.deepEqual([again.status, again.text], [201, first.text])
    })

    it('refuses one more visit of a session that has all it may have, as often as it is sent', async () => {
      const one = event()
      await post(one)
      await run.database.query(
        `update telemetry.sessions set started_at = to_timestamp(86400), visits = (
           select jsonb_agg(86400000 + i * 3600000 order by i, n)
           from generate_series(0::bigint, 19999) i, generate_series(0, 1) n)
         where id = $1`,
        [one.session.id]
      )
      const key = randomUUID()
      const body = { id: one.session.id, user: { id: 'pro-ann' } }
      const booked = await bookedBy(async () => {
        for (let time = 0; time < 2; time++) isProblem(await postSession(body, key), 422, 'too_many_visits')
      })
      assert.deepEqual(booked, [2, 0, 0, 2])
      const sent = await post(event({ session: one.session }))
      assert.equal(sent.body.results[0].code, 'too_many_visits', 'as an event is')
    })
  })

  describe('GET, PUT and DELETE of a session', () => {
    it('is found by its id in any case, and not in another project', async () => {
      const one = event()
      await post(one)
      assert.equal((await get(one.session.id.toUpperCase())).body.id, one.session.id)
      isProblem(await get(one.session.id, { headers: { 'x-plimsoll-project': 'blog' } }), 404, 'session_not_found')
      isProblem(await get(randomUUIDv7()), 404, 'session_not_found')
      isProblem(await get('7'), 400, 'invalid_request')
    })

    it('is put to the same state by the same request, and the second time counts as a duplicate', async () => {
      const id = randomUUIDv7()
      const body = { user: { id: 'pro-ann' }, startedAt: daysAgo(2), endedAt: daysAgo(1), tier: 'gold', region: 'us' }
      const booked = await bookedBy(async () => {
        const first = await put(id, body)
        assert.deepEqual(first.body, {
          id,
          user: body.user,
          startedAt: body.startedAt,
          lastActivityAt: body.endedAt,
          endedAt: body.endedAt,
          events: 0,
          visits: 1,
          enrichment: { tier: 'gold', region: 'us', flags: {} }
        })
        const second = await put(id, body)
        assert.deepEqual([second.status, second.text], [200, first.text])
        assert.deepEqual((await get(id)).body, first.body)
      })
      assert.deepEqual(booked, [2, 1, 1, 0])
    })

    it('is put in parts', async () => {
      const one = event()
      await post(one)
      const ended = now()
      const answer = await put(one.session.id, { endedAt: ended })
      assert.deepEqual([answer.body.endedAt, answer.body.startedAt, answer.body.events], [ended, one.time, 1])
      assert.equal((await put(one.session.id, { endedAt: null })).body.endedAt, null)
    })

    it('is not put to what makes no sense, and the books know', async () => {
      const id = randomUUIDv7()
      const tries: [object, string][] = [
        [{}, 'user_required'],
        [{ user: { id: 'ann' }, startedAt: daysAgo(1), endedAt: daysAgo(2) }, 'ends_before_start'],
        [{ user: { id: 'ann' }, tier: 'gold' }, 'invalid_request'],
        [{ user: { id: 'ann' }, tier: 'Gold!', region: 'eu' }, 'invalid_request'],
        [{ user: { id: 'ann\0' } }, 'invalid_text'],
        [{ user: { id: '\ud800' } }, 'invalid_text'],
        [{ user: { id: 'ann' }, startedAt: '2026-02-30T00:00:00Z' }, 'invalid_request'],
        [{ user: { id: 'ann' }, startedAt: '0000-01-01T00:00:00Z' }, 'invalid_request'],
        [{ user: { id: 'ann' }, startedAt: '9999-12-31T23:59:59-23:59' }, 'invalid_request']
      ]
      const booked = await bookedBy(async () => {
        for (const [body, code] of tries) isProblem(await put(id, body), 400, code)
      })
      assert.deepEqual(booked, [2, 0, 0, 2], 'the two that only the state of the session could refuse')
      isProblem(await get(id), 404, 'session_not_found')
    })

    it('is put within the limits that events have', async () => {
      const id = randomUUIDv7()
      const asked = { 'x-plimsoll-backfill': '1' }
      const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
      const tries: [object, string][] = [
        [{ startedAt: '9999-01-01T00:00:00Z' }, 'time_in_future'],
        [{ startedAt: inAnHour }, 'time_in_future'],
        [{ endedAt: inAnHour }, 'time_in_future'],
        [{ startedAt: daysAgo(35) }, 'too_old'],
        [{ startedAt: daysAgo(35), endedAt: daysAgo(1) }, 'too_old'],
        [{ endedAt: daysAgo(35) }, 'too_old'],
        [{ startedAt: '0001-01-01T00:00:00Z' }, 'too_old']
      ]
      for (const [times, code] of tries) {
        const answer = await put(id, { user: { id: 'ann' }, ...times })
        isProblem(answer, 400, code)
        assert.match(answer.body.detail, /^\/(startedAt|endedAt): /)
      }
      const old = { user: { id: 'ann' }, startedAt: daysAgo(400), endedAt: daysAgo(399) }
      isProblem(await put(id, old, { headers: asked }), 403, 'backfill_not_allowed')
      isProblem(await put(id, old, { token: run.backfillKey }), 400, 'too_old')
      const before1970 = { ...old, startedAt: '1969-12-31T23:59:59Z' }
      isProblem(await put(id, before1970, { token: run.backfillKey, headers: asked }), 400, 'too_old')
      isProblem(await get(id), 404, 'session_not_found')
      const answer = await put(id, old, { token: run.backfillKey, headers: asked })
      assert.deepEqual([answer.status, answer.body.startedAt], [200, old.startedAt], answer.text)
    })

    it('is put by a clock that X-Sent-At shows to be wrong, corrected', async () => {
      const said = new Date(Date.now() + 3_600_000).toISOString()
      const body = { user: { id: 'ann' }, startedAt: said, endedAt: said }
      const answer = await put(randomUUIDv7(), body, { headers: { 'x-sent-at': said } })
      assert.equal(answer.status, 200, answer.text)
      assert.ok(Math.abs(Date.parse(answer.body.endedAt) - Date.now()) < 60_000)
      isProblem(await put(randomUUIDv7(), body, { headers: { 'x-sent-at': 'noon' } }), 400, 'invalid_sent_at')
    })

    it('is deleted once; a second time is a success that changes nothing, an unknown one is none', async () => {
      const one = event()
      await post(one)
      const booked = await bookedBy(async () => {
        const first = await remove(one.session.id)
        assert.deepEqual([first.status, first.text], [204, ''])
        assert.equal((await remove(one.session.id)).status, 204)
      })
      assert.deepEqual(booked, [2, 1, 1, 0])
      isProblem(await get(one.session.id), 404, 'session_not_found')
      isProblem(await remove(randomUUIDv7()), 404, 'session_not_found')
      assert.equal((await post(event({ session: one.session }))).body.results[0].result, 'accepted')
      isProblem(await get(one.session.id), 404, 'session_not_found')
    })

    it('is listed with the latest first, page by page', async () => {
      const { token } = await run.telemetry.keys.create('listed')
      const sessions = Array.from({ length: 5 }, () => event())
      await post(sessions, { token })
      const page = async (query: string) =>
        (await run.send('GET', `/v1/sessions?project=listed&${query}`, { headers: { 'x-plimsoll-project': 'listed' } }))
          .body
      const first = await page('limit=3')
      assert.deepEqual(
        first.sessions.map((s: { id: string }) => s.id),
        sessions
          .map(s => s.session.id)
          .sort()
          .reverse()
          .slice(0, 3)
      )
      const rest = await page(`limit=3&before=${first.next}`)
      assert.deepEqual([rest.sessions.length, rest.next], [2, null])
      isProblem(await run.send('GET', '/v1/sessions?limit=0'), 400, 'invalid_request')
      isProblem(await run.send('GET', '/v1/sessions?limit=many'), 400, 'invalid_request')
    })
  })

  describe('who may do what', () => {
    it('nobody without a good key, and is told how to get one before the body is looked at', async () => {
      const wrong = [
        '',
        'nonsense',
        `plk_${'0'.repeat(12)}_${'x'.repeat(43)}`,
        `${run.writeKey.slice(0, -2)}xx`,
        `${adminToken}x`
      ]
      for (const token of [null, ...wrong]) {
        const answer = await post('{"not json', { token })
        isProblem(answer, 401, 'unauthorized')
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
      }
      isProblem(await get(randomUUIDv7(), { token: null }), 401, 'unauthorized')
    })

    it('a write key writes and does not read', async () => {
      const one = event()
      await post(one)
      const token = run.writeKey
      isProblem(await get(one.session.id, { token }), 403, 'write_key_cannot_read')
      isProblem(await run.send('GET', '/v1/sessions', { token }), 403, 'write_key_cannot_read')
      isProblem(await run.send('GET', '/v1/ledger', { token }), 403, 'write_key_cannot_read')
      isProblem(await run.send('POST', '/v1/projects/shop/keys', { token, body: {} }), 403, 'admin_required')
      isProblem(await run.send('GET', '/v1/projects/shop/keys', { token }), 403, 'admin_required')
    })

    it('a write key writes to its own project, whatever the request names', async () => {
      const one = event()
      await post(one, { headers: { 'x-plimsoll-project': 'blog' } })
      assert.equal((await get(one.session.id)).status, 200)
      isProblem(await get(one.session.id, { headers: { 'x-plimsoll-project': 'blog' } }), 404, 'session_not_found')
    })

    it('the admin makes keys, which are shown once and work at once', async () => {
      const make = (project: string, body: unknown) =>
        run.send('POST', `/v1/projects/${project}/keys`, { token: adminToken, body })
      const { status, body } = await make('fresh', { backfill: true })
      assert.deepEqual([status, body.project, body.backfill], [201, 'fresh', true])
      assert.equal((await post(event(), { token: body.key })).status, 200)
      assert.equal((await ledger('fresh')).accepted, 1)
      const list = () => run.send('GET', '/v1/projects/fresh/keys', { token: adminToken })
      const { id, ...about } = (await list()).body.keys[0]
      assert.ok(body.key.startsWith(`plk_${id}_`) && about.backfill && about.revokedAt === null)
      const revoke = (project: string, token: string) =>
        run.send('DELETE', `/v1/projects/${project}/keys/${id}`, { token })
      isProblem(await revoke('fresh', body.key), 403, 'admin_required')
      isProblem(await revoke('shop', adminToken), 404, 'key_not_found')
      assert.equal((await revoke('fresh', adminToken)).status, 204)
      isProblem(await post(event(), { token: body.key }), 401, 'unauthorized')
      const { revokedAt } = (await list()).body.keys[0]
      assert.ok(Date.parse(revokedAt) > 0)
      assert.equal((await revoke('fresh', adminToken)).status, 204, 'once more is no harm')
      assert.equal((await list()).body.keys[0].revokedAt, revokedAt)
      isProblem(await make('No!', {}), 400, 'invalid_request')
      isProblem(await make('fresh', { admin: true }), 400, 'invalid_request')
      isProblem(
        await run.send('GET', '/v1/ledger', { headers: { 'x-plimsoll-project': '../x' } }),
        400,
        'invalid_project'
      )
    })
  })

  describe('the books', () => {
    it('balance after all of this', async () => {
      for (const project of ['shop', 'blog', 'listed', 'fresh']) {
        const books = await ledger(project)
        assert.equal(books.received, books.accepted + books.duplicate + books.rejected + books.quarantined)
        assert.deepEqual([books.counted, books.pending, books.balanced], [null, null, true], 'nobody has counted yet')
      }
      assert.ok((await ledger()).accepted > 50)
    })

    it('say what is pending, and when they do not balance', async () => {
      const { accepted } = await ledger()
      run.counted.set('shop', accepted - 3)
      const behind = await ledger()
      assert.deepEqual([behind.counted, behind.pending, behind.balanced], [accepted - 3, 3, true])
      run.counted.set('shop', accepted + 1)
      assert.equal((await ledger()).balanced, false, 'more was counted than accepted')
      run.counted.clear()
    })
  })

  describe('the OpenAPI document', () => {
    // biome-ignore lint/suspicious/noExplicitAny: a document is read as it comes
    let document: any
    before(async () => {
      document = (await run.send('GET', '/openapi.json')).body
    })
    const schemaOf = (part: { content?: Record<string, { schema: object }> }) => {
      const content = part.content?.['application/json']
      assert.ok(content, JSON.stringify(part).slice(0, 200))
      return Compile(content.schema)
    }

    it('lists every route, and each with a summary and an answer', () => {
      assert.equal(document.openapi, '3.1.0')
      assert.ok(run.routes.length >= 8)
      const listed = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
        Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`)
      )
      // A preflight is the browser's business and belongs to the route that it asks for.
      const routes = run.routes.filter(({ method }) => method !== 'OPTIONS')
      const served = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
      assert.deepEqual(listed.sort(), served.sort())
      for (const methods of Object.values(document.paths)) {
        for (const operation of Object.values(methods as object)) {
          assert.ok(operation.summary && Object.keys(operation.responses).length > 0)
        }
      }
    })

    it('describes requests as the service judges them', async () => {
      const events = schemaOf(document.paths['/v1/events'].post.requestBody)
      const tries = [
        event(),
        use(),
        [event(), use()],
        event({ time: 7 }),
        use({ data: {} }),
        event({ type: 'x' }),
        [],
        { ...event(), more: 1 }
      ]
      for (const body of tries) {
        const answer = await post(body)
        const taken =
          answer.status === 200 && answer.body.results.every((r: { result: string }) => r.result === 'accepted')
        assert.equal(events.Check(body), taken, JSON.stringify(body))
      }
      const sessions = schemaOf(document.paths['/v1/sessions'].post.requestBody)
      for (const body of [{ user: { id: 'ann' } }, { user: { id: '' } }, { user: { id: 'ann' }, extra: 1 }, {}]) {
        assert.equal(sessions.Check(body), (await postSession(body, randomUUID())).status === 201, JSON.stringify(body))
      }
    })

    it('describes the answers that are given', async () => {
      const id = randomUUIDv7()
      const paths = document.paths
      const given: [object, unknown][] = [
        [paths['/v1/events'].post.responses[200], (await post([event(), 7])).body],
        [paths['/v1/sessions'].post.responses[201], (await postSession({ id, user: { id: 'pro-ann' } }, id)).body],
        [paths['/v1/sessions/{id}'].get.responses[200], (await get(id)).body],
        [paths['/v1/sessions/{id}'].put.responses[200], (await put(id, { endedAt: now() })).body],
        [paths['/v1/sessions'].get.responses[200], (await run.send('GET', '/v1/sessions')).body],
        [paths['/v1/ledger'].get.responses[200], await ledger()]
      ]
      for (const [response, body] of given) {
        assert.ok(schemaOf(response).Check(body), JSON.stringify(body))
      }
      assert.equal(schemaOf(paths['/v1/ledger'].get.responses[200]).Check({}), false)
    })
  })
})

describe('the write side with a store that does not answer', () => {
  it('gives each caller an answer by their deadline, and counts once what is sent again', async () => {
    const run = await runTelemetry()
    try {
      const { token: unmet } = await run.telemetry.keys.create('shop')
      const body = event()
      const session = `/v1/sessions/${body.session.id}`
      assert.equal((await run.send('POST', '/v1/events', { body: event() })).status, 200)
      const release = await run.holdStore()
      const headers = { 'x-request-deadline': '250' }
      const asked = [
        run.send('POST', '/v1/events', { body, headers }),
        run.send('POST', '/v1/events', { body, headers, token: unmet }),
        run.send('PUT', session, { body: { user: { id: 'a' } }, headers }),
        run.send('GET', session, { headers: { ...headers, 'x-plimsoll-project': 'shop' } }),
        run.send('GET', '/v1/ledger', { headers: { ...headers, 'x-plimsoll-project': 'shop' } })
      ]
      const patient = run.send('POST', '/v1/events', { body })
      while (run.telemetry.ingest.store.snapshot().inFlight < asked.length + 1) await new Promise(setImmediate)
      run.clock.advance(250)
      for (const answer of await Promise.all(asked)) {
        assert.deepEqual([answer.status, answer.body.code], [503, 'store_slow'])
        assert.match(answer.headers.get('retry-after')!, /^[1-5]$/)
      }
      await release()
      assert.equal((await patient).status, 200)
      assert.equal((await run.send('POST', '/v1/events', { body })).body.results[0].result, 'duplicate')
    } finally {
      await run.close()
    }
  })

  it('is asked for so many unknown keys at once: the next is told to come back, and one that is known gets in', async () => {
    const run = await runTelemetry()
    try {
      const madeUp = (n: number) => `plk_${n.toString(36).padStart(12, '0')}_${'s'.repeat(43)}`
      assert.equal((await run.send('POST', '/v1/events', { body: event() })).status, 200)
      const release = await run.holdStore()
      const inFlight = () => run.telemetry.ingest.store.snapshot().inFlight
      const before = inFlight()
      const strangers = Array.from({ length: 32 }, (_, n) =>
        run.send('POST', '/v1/events', { body: [], token: madeUp(n) })
      )
      while (inFlight() < before + 32) await new Promise(setImmediate)
      const next = run.send('POST', '/v1/events', { body: [], token: madeUp(32) })
      // An answer, or one more that waits for the store.
      let isAnswered = false
      void next.then(() => {
        isAnswered = true
      })
      while (!isAnswered && inFlight() <= before + 32) await new Promise(setImmediate)
      if (!isAnswered) await release()
      const { status, body, headers } = await next
      assert.deepEqual([status, body.code], [503, 'overloaded'])
      assert.match(headers.get('retry-after')!, /^[1-5]$/)
      assert.equal((await run.send('POST', '/v1/events', { body: [] })).body.code, 'empty_request')
      await release()
      for (const answer of await Promise.all(strangers)) assert.equal(answer.status, 401)
    } finally {
      await run.close()
    }
  })

  it('refuses at the door what would wait too long, with a time to come back, and takes it later', async () => {
    const run = await runTelemetry()
    try {
      const { door } = run.telemetry.ingest
      assert.equal((await run.send('POST', '/v1/events', { body: event() })).status, 200)
      const release = await run.holdStore()
      const batches = Array.from({ length: 6 }, () =>
        run.send('POST', '/v1/events', { body: Array.from({ length: 100 }, () => event()) })
      )
      while (door.snapshot().pending < 600) await new Promise(setImmediate)
      // A second in which nothing of the queue is done, looked at on the way: a process that stood still proves nothing.
      for (let step = 0; step < 6; step++) {
        run.clock.advance(200)
        door.snapshot()
      }
      const late = event()
      const before = run.clock.pending
      const knocking = run.send('POST', '/v1/events', { body: late })
      const patient = event()
      const waiting = run.send('POST', '/v1/events', { body: patient })
      while (run.telemetry.ingest.anteroom.waiting < 2) await new Promise(setImmediate)
      assert.equal(door.snapshot().refused, 0, 'nobody is refused before they have waited for a moment')
      const impatient = await run.send('POST', '/v1/events', { body: event(), headers: { 'x-request-deadline': '20' } })
      assert.deepEqual(
        [impatient.status, impatient.body.code],
        [503, 'overloaded'],
        'who has no moment is told at once'
      )
      run.clock.advance(150)
      const answer = await knocking
      assert.deepEqual([answer.status, answer.body.code], [503, 'overloaded'])
      assert.ok(Number(answer.headers.get('retry-after')) >= 1)
      assert.equal((await waiting).status, 503)
      assert.ok(run.clock.pending <= before, 'nobody waits any more')
      const ids = [late.id]
      const asking = run.send('POST', '/v1/events/lookup', { body: { ids } })
      await release()
      const asked = await asking
      assert.deepEqual([asked.status, asked.body.receipts?.[0]?.state], [200, 'unknown'], 'a question writes nothing')
      for (const { status } of await Promise.all(batches)) assert.equal(status, 200)
      assert.equal(door.snapshot().pending, 0)
      assert.equal((await run.send('POST', '/v1/events', { body: late })).body.results[0].result, 'accepted')
    } finally {
      await run.close()
    }
  })

  it('refuses a deadline that is none', async () => {
    const run = await runTelemetry()
    try {
      const answer = await run.send('POST', '/v1/events', { body: event(), headers: { 'x-request-deadline': 'soon' } })
      assert.deepEqual([answer.status, answer.body.code], [400, 'invalid_deadline'])
      const { policies } = (await run.send('GET', '/v1/policies')).body
      assert.deepEqual(
        policies.map((p: { name: string }) => p.name),
        ['metadata', 'primary-store']
      )
      assert.match(policies[1].explanation, /deadline/)
      assert.equal((await run.send('GET', '/v1/policies', { token: run.writeKey })).status, 403)
    } finally {
      await run.close()
    }
  })
})

describe('the write side without its store', () => {
  it('answers 503 with a moment to come back at, also to a key it has not met', async () => {
    const run = await runTelemetry()
    try {
      const { token: unmet } = await run.telemetry.keys.create('shop')
      const body = event()
      assert.equal((await run.send('POST', '/v1/events', { body: event() })).status, 200)
      await run.loseStore()
      const session = `/v1/sessions/${body.session.id}`
      const answers = [
        await run.send('POST', '/v1/events', { body }),
        await run.send('POST', '/v1/events', { body, token: unmet }),
        await run.send('POST', '/v1/sessions', { body: { user: { id: 'a' } }, headers: { 'idempotency-key': 'k' } }),
        await run.send('PUT', session, { body: { user: { id: 'a' } } }),
        await run.send('DELETE', session),
        await run.send('POST', '/v1/losses', {
          body: { id: body.id, since: body.time, until: body.time, losses: { queue_full: 1 } }
        }),
        await run.send('POST', '/v1/projects/shop/keys', { body: {}, token: adminToken })
      ]
      const questions = [
        await run.send('GET', session),
        await run.send('GET', '/v1/sessions'),
        await run.send('GET', '/v1/ledger'),
        await run.send('POST', '/v1/events/lookup', { body: { ids: [body.id] } }),
        await run.send('POST', '/v1/events/lookup', { body: { ids: [body.id] }, token: unmet })
      ]
      for (const { status, body, headers } of [...answers, ...questions]) {
        assert.deepEqual([status, body.code], [503, 'store_unavailable'])
        assert.match(headers.get('retry-after')!, /^[1-5]$/)
      }
      for (const { body } of answers) assert.match(body.detail, /may be written or not\. Send the same again/)
      for (const { body } of questions) assert.equal(body.detail, 'The store cannot be reached. Ask again later.')
    } finally {
      await run.close()
    }
  })
})
