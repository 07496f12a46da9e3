import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { allowedHeaders, answerOf, isKept, keptPart, REPLAYED_HEADERS } from './answer.ts'
import { AnswerTooLargeError } from './errors.ts'

describe('what is kept, a row of the readme each', () => {
  const rows: [what: string, statuses: number[], kept: boolean][] = [
    ['2xx', [200, 201, 202, 204, 299], true],
    ['3xx', [301, 303, 307], true],
    ['a 4xx that says something of the request', [400, 402, 404, 405, 410, 412, 413, 415, 422, 451], true],
    ['a 4xx of the moment or the caller', [401, 403, 408, 409, 425, 429], false],
    ['5xx', [500, 502, 503, 504], false]
  ]
  for (const [what, statuses, kept] of rows) {
    test(`${what}: ${kept ? 'kept' : 'not kept'}`, () => {
      for (const status of statuses) assert.equal(isKept({ status }), kept, `${status}`)
    })
  }
  test('anything with `commit: true`: kept', () => {
    for (const status of [409, 500, 502]) assert.equal(isKept({ status, commit: true }), true)
  })
})

test('a replay carries what describes the answer, and nothing of the exchange', () => {
  const whole = answerOf(
    {
      status: 201,
      headers: {
        Location: '/orders/1',
        ETag: '"7"',
        'Set-Cookie': ['sid=1'],
        Date: 'x',
        traceparent: '00',
        Age: 3,
        a: undefined
      },
      body: { id: 1 }
    },
    1_000
  )
  assert.deepEqual(keptPart(whole, allowedHeaders(REPLAYED_HEADERS)).headers, {
    location: '/orders/1',
    etag: '"7"',
    'content-type': 'application/json; charset=utf-8'
  })
})

test('no list can allow what belongs to one exchange', () => {
  for (const name of ['Set-Cookie', 'date', 'traceparent', 'X-Request-Id', 'Server-Timing']) {
    assert.throws(() => allowedHeaders([name]), RangeError)
  }
})

test('text and bytes are kept as they are, the rest as JSON', () => {
  const bodyOf = (body: unknown) => answerOf({ status: 200, body }, 100).body
  assert.deepEqual(bodyOf('{"a" : 1}'), Buffer.from('{"a" : 1}'))
  assert.deepEqual(bodyOf(new Uint8Array([0, 255])), Buffer.from([0, 255]))
  assert.deepEqual(bodyOf({ a: 1 }), Buffer.from('{"a":1}'))
  assert.deepEqual(bodyOf(undefined), Buffer.alloc(0))
})

test('an answer has a status, and an end', () => {
  for (const status of [0, 100, 199, 600, 200.5]) assert.throws(() => answerOf({ status }, 100), TypeError)
  assert.throws(() => answerOf({ status: 200, body: 'x'.repeat(101) }, 100), AnswerTooLargeError)
})
