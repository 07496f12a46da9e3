import assert from 'node:assert/strict'
import { test } from 'node:test'
import { operationsOf } from './document.ts'
import { faultOf } from './judge.ts'
import type { Answer } from './wire.ts'

const content = {
  'application/json': { schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } } }
}
const problem = { 'application/problem+json': { schema: { type: 'object' } } }
const [operation] = operationsOf({
  paths: {
    '/things': { get: { responses: { 200: { content }, 404: { content: problem }, 503: { content: problem } } } },
    '/admin/faults': { put: { responses: { 204: {} } } }
  }
})
const asked = { method: 'GET', operation }

const answer = (status: number, body: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: new Map(
    Object.entries({ 'content-type': status < 400 ? 'application/json' : 'application/problem+json', ...headers })
  ),
  body: Buffer.from(JSON.stringify(body))
})
const refusal = (status: number, more: object = {}) => ({
  type: 'urn:plimsoll:problem:gone',
  title: 'Gone',
  status,
  detail: 'It is gone.',
  code: 'gone',
  ...more
})
const kindOf = (given: Answer, question: Parameters<typeof faultOf>[0] = asked) => faultOf(question, given)?.kind

test('what the document says is no fault', () => {
  assert.equal(kindOf(answer(200, { id: 'a' })), undefined)
  assert.equal(kindOf(answer(404, refusal(404))), undefined)
  assert.equal(kindOf(answer(503, refusal(503), { 'retry-after': '2' })), undefined)
})

test('an answer that is not as the document says is one', () => {
  assert.equal(kindOf(answer(200, { id: 7 })), 'schema')
  assert.equal(kindOf(answer(200, {})), 'schema')
  assert.equal(kindOf(answer(204, '')), 'undocumented')
  assert.equal(kindOf(answer(409, refusal(409))), 'undocumented')
})

test('a refusal is a problem, whole', () => {
  assert.equal(kindOf(answer(404, refusal(404), { 'content-type': 'text/html' })), 'form')
  assert.equal(kindOf(answer(404, refusal(400))), 'form')
  assert.equal(kindOf(answer(404, refusal(404, { detail: undefined }))), 'form')
  assert.equal(kindOf(answer(404, refusal(404, { code: 'other' }))), 'form')
})

test('no failure of the server passes, but for a documented 503 that says when to come back', () => {
  assert.equal(kindOf(answer(500, refusal(500))), 'server')
  assert.equal(kindOf(answer(503, refusal(503))), 'server')
  assert.equal(
    kindOf(answer(503, refusal(503), { 'retry-after': '2' }), { method: 'GET', operation: undefined }),
    'server'
  )
})

test('outside of the document only the form counts', () => {
  const elsewhere = { method: 'GET', operation: undefined }
  assert.equal(kindOf(answer(200, 'anything'), elsewhere), undefined)
  assert.equal(kindOf(answer(405, refusal(405)), elsewhere), undefined)
  assert.equal(kindOf(answer(405, 'no'), elsewhere), 'form')
})

test('what breaks the platform on purpose is not sent', () => {
  assert.equal(operation?.name, 'GET /things')
})

test('who leaves no time is told so by any method, and is told when to come back', () => {
  const hasty = { method: 'GET', operation: undefined, hasty: true }
  const slowWith = (code: string) => refusal(503, { code, type: `urn:plimsoll:problem:${code}` })
  const slow = slowWith('store_slow')
  for (const code of ['read_store_slow', 'log_slow', 'position_not_reached'])
    assert.equal(kindOf(answer(503, slowWith(code), { 'retry-after': '1' }), hasty), undefined, code)
  assert.equal(kindOf(answer(503, slow, { 'retry-after': '1' }), hasty), undefined)
  assert.equal(kindOf(answer(503, slow), hasty), 'server')
  assert.equal(kindOf(answer(503, refusal(503), { 'retry-after': '1' }), hasty), 'server')
  assert.equal(kindOf(answer(503, '', { 'retry-after': '1' }), { ...hasty, method: 'HEAD' }), undefined)
})
