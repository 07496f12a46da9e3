import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { manualClock } from '@plimsoll/resilience'
import { memoryStore } from './adapters/memory.ts'
import type { HandlerAnswer } from './answer.ts'
import {
  AnswerTooLargeError,
  IdempotencyInFlightError,
  IdempotencyKeyInvalidError,
  IdempotencyKeyMissingError,
  IdempotencyKeyReusedError,
  LeaseLostError
} from './errors.ts'
import { type IdempotentRequest, idempotent } from './idempotent.ts'
import type { IdempotentOptions } from './settings.ts'

function shop(options: IdempotentOptions = {}) {
  const clock = manualClock()
  const store = memoryStore({ now: clock.now })
  const guard = idempotent(store, { leaseMs: 900, clock, ...options })
  let runs = 0
  const post = (over: Partial<IdempotentRequest> = {}, answer: HandlerAnswer = { status: 201, body: { ok: true } }) =>
    guard.run({ tenant: 'acme', route: '/orders', method: 'POST', key: 'k', body: { n: 1 }, ...over }, async () => {
      runs++
      return answer
    })
  return { clock, store, guard, post, runs: () => runs }
}

const request = { tenant: 'acme', route: '/orders', method: 'POST', key: 'k' }

test('the first answers whole, a replay with what may be replayed, and says so', async () => {
  const { post, runs } = shop()
  const headers = { location: '/orders/1', 'set-cookie': 'sid=1', date: 'now' }
  const given = { status: 201, headers, body: '{"id": 1}' }
  const first = await post({}, given)
  assert.equal(first.replayed, false)
  assert.deepEqual(first.answer.headers, headers)
  const again = await post({ key: '"k"' }, { status: 500 })
  assert.equal(again.replayed, true)
  assert.deepEqual(again.answer, {
    status: 201,
    headers: { location: '/orders/1', 'idempotent-replayed': 'true' },
    body: first.answer.body
  })
  assert.equal(runs(), 1)
})

test('no key is refused where one is required, and runs each time where it is not', async () => {
  const { post, runs } = shop()
  await assert.rejects(post({ key: undefined }), IdempotencyKeyMissingError)
  await assert.rejects(post({ key: '' }), IdempotencyKeyInvalidError)
  assert.equal(runs(), 0)
  await post({ key: undefined, required: false })
  assert.equal((await post({ key: undefined, required: false })).replayed, false)
  assert.equal(runs(), 2)
})

test('another method, target or body under the same key is refused', async () => {
  const { post, runs } = shop()
  await post({ target: '/orders?x=1' })
  for (const over of [{ method: 'PUT' }, { target: '/orders?x=2' }, { target: '/orders?x=1', body: { n: 2 } }]) {
    await assert.rejects(post({ target: '/orders?x=1', ...over }), IdempotencyKeyReusedError)
  }
  assert.equal(runs(), 1)
})

test('tenants and routes do not share a key', async () => {
  const { post, runs } = shop()
  for (const over of [{}, { tenant: 'other' }, { route: '/refunds' }]) assert.equal((await post(over)).replayed, false)
  assert.equal(runs(), 3)
})

describe('what is not kept frees the key', () => {
  for (const status of [401, 403, 408, 409, 425, 429, 500, 503]) {
    test(`${status}`, async () => {
      const { post, runs } = shop()
      assert.equal((await post({}, { status })).answer.status, status)
      assert.deepEqual((await post({ body: { n: 2 } })).answer.status, 201)
      assert.equal(runs(), 2)
    })
  }
  test('an error that is thrown', async () => {
    const { guard, post } = shop()
    const failing = guard.run(request, async () => {
      throw new Error('declined')
    })
    await assert.rejects(failing, /declined/)
    assert.equal((await post()).replayed, false)
  })
  test('an answer that is too large', async () => {
    const { post } = shop({ maxAnswerBytes: 10 })
    await assert.rejects(post({}, { status: 200, body: 'x'.repeat(11) }), AnswerTooLargeError)
    assert.equal((await post({}, { status: 200 })).replayed, false)
  })
})

test('a 502 that committed is kept', async () => {
  const { post, runs } = shop()
  await post({}, { status: 502, commit: true })
  const again = await post()
  assert.deepEqual([again.answer.status, again.replayed, runs()], [502, true, 1])
})

describe('a lease', () => {
  /** A handler that runs until it is told to end. */
  function held(options: IdempotentOptions = {}) {
    const parts = shop(options)
    const gate = Promise.withResolvers<HandlerAnswer>()
    const entered = Promise.withResolvers<{ signal: AbortSignal; fence: number }>()
    const running = parts.guard.run({ ...request, body: { n: 1 } }, async (_tx, context) => {
      entered.resolve(context)
      return gate.promise
    })
    return { ...parts, entered: entered.promise, end: gate.resolve, running }
  }

  test('is renewed while the handler runs, so that others wait, and are told for how long', async () => {
    const { clock, entered, post, end, running } = held()
    const { signal } = await entered
    await clock.flow(9_000)
    await assert.rejects(post(), (error: IdempotencyInFlightError) => {
      assert.ok(error instanceof IdempotencyInFlightError)
      assert.ok(error.retryAfterMs > 0 && error.retryAfterMs <= 900)
      return true
    })
    assert.equal(signal.aborted, false)
    end({ status: 200 })
    assert.equal((await running).answer.status, 200)
    assert.equal(clock.pending, 0)
  })

  test('ends for a handler that hangs: the next runs, the late one is refused', async () => {
    const { clock, entered, post, end, running } = held({ maxRunMs: 3_000 })
    const { signal } = await entered
    await clock.flow(4_000)
    assert.ok(signal.reason instanceof LeaseLostError)
    assert.equal((await post()).replayed, false)
    end({ status: 200, body: 'late' })
    await assert.rejects(running, LeaseLostError)
    assert.equal((await post()).answer.body.toString(), '{"ok":true}')
    assert.equal(clock.pending, 0)
  })

  test('that cannot be renewed is given up by its own clock', async () => {
    const clock = manualClock()
    const memory = memoryStore({ now: clock.now })
    const cut = { ...memory, renew: () => Promise.reject(new Error('the store is away')) }
    const signals: AbortSignal[] = []
    const { promise, resolve } = Promise.withResolvers<HandlerAnswer>()
    const running = idempotent(cut, { leaseMs: 900, clock }).run(request, async (_tx, { signal }) => {
      signals.push(signal)
      return promise
    })
    await clock.flow(899)
    assert.equal(signals[0]!.aborted, false)
    await clock.flow(1)
    assert.equal(signals[0]!.aborted, true)
    // Nobody else came, so its answer is still taken: the fence decides, not the clock.
    resolve({ status: 200 })
    assert.equal((await running).answer.status, 200)
  })
})

test('bad settings and scopes are refused when they are seen', async () => {
  const store = memoryStore()
  for (const options of [
    { leaseMs: 99 },
    { leaseMs: 1_000, maxRunMs: 999 },
    { ttlMs: 1_000 },
    { maxAnswerBytes: -1 },
    { headers: ['set-cookie'] },
    { ttlMs: Number.NaN }
  ]) {
    assert.throws(() => idempotent(store, options), RangeError, JSON.stringify(options))
  }
  assert.throws(() => memoryStore({ maxRecords: 0 }), RangeError)
  const { post } = shop()
  for (const over of [{ tenant: '' }, { tenant: 'a\0' }, { route: 'x'.repeat(256) }]) {
    await assert.rejects(post(over), RangeError)
  }
})

test('memory is bounded', async () => {
  const clock = manualClock()
  const guard = idempotent(memoryStore({ now: clock.now, maxRecords: 2 }), { clock, ttlMs: 120_000 })
  const run = (key: string) => guard.run({ ...request, key }, async () => ({ status: 200 }))
  await run('a')
  await run('b')
  await assert.rejects(run('c'), RangeError)
  clock.advance(120_000)
  assert.equal((await run('c')).replayed, false)
})
