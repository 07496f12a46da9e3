import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge, reasonOf } from './verdict.ts'

const batch = ['a', 'b', 'c', 'd'].map(id => ({ id, body: '{}' }))
const answer = (status: number, body?: unknown) => ({ status, body, retryAfterMs: undefined })

test('a 200 judges each event: done, lost with its code, or again', () => {
  const results = [
    { id: 'a', result: 'accepted' },
    { id: 'b', result: 'duplicate' },
    { id: 'c', result: 'rejected', code: 'Too Old' },
    { id: 'd', result: 'retry' }
  ]
  const settled = [['a'], ['b'], ['c', 'rejected:too_old']]
  assert.deepEqual(judge(answer(200, { results }), batch), { kind: 'judged', settled, again: true })
})

test('an event that the answer does not name is sent again', () => {
  const results = batch.slice(1).map(({ id }) => ({ id, result: 'accepted' }))
  assert.deepEqual(judge(answer(200, { results }), batch), {
    kind: 'judged',
    settled: [['b'], ['c'], ['d']],
    again: true
  })
})

test('a 200 that is not from the service, as a captive portal’s, is no answer', () => {
  for (const body of [undefined, {}, { results: 'all' }]) {
    assert.deepEqual(judge(answer(200, body), batch), { kind: 'later' })
  }
})

test('other answers are about the batch, the settings, or the moment', () => {
  const kinds = (status: number) => judge(answer(status), batch).kind
  assert.deepEqual([400, 413, 422].map(kinds), ['bad', 'bad', 'bad'])
  assert.deepEqual([401, 403, 404, 405, 415].map(kinds), ['refused', 'refused', 'refused', 'refused', 'refused'])
  assert.deepEqual([204, 302, 408, 429, 500, 502, 503].map(kinds), Array(7).fill('later'))
  assert.deepEqual(judge(answer(400, { code: 'malformed_json' }), batch), {
    kind: 'bad',
    reason: 'rejected:malformed_json'
  })
})

test('a reason is what the contract takes, whatever the server said', () => {
  assert.match(reasonOf('rejected', `Ünïcode ${'x'.repeat(100)}`), /^[a-z0-9_:.-]{64}$/)
  assert.equal(reasonOf('rejected', undefined), 'rejected:undefined')
})
