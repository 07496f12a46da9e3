import assert from 'node:assert/strict'
import { test } from 'node:test'
import Type from 'typebox'
import { documentProblems, problemResponses } from './problem-responses.ts'
import { createServer } from './server.ts'

interface Document {
  paths: Record<string, Record<string, { responses: Record<string, { headers?: object; content?: object }> }>>
}

test('the document lists the refusals of the server, of the scope and of the route', async t => {
  const app = await createServer({ title: 'Things', version: '1' })
  t.after(() => app.close())
  await app.register(async scope => {
    documentProblems(scope, 401, 503)
    scope.get(
      '/things',
      { schema: { response: { 200: Type.Array(Type.String()), ...problemResponses(404) } } },
      () => []
    )
    scope.post('/things', { schema: { response: { 204: Type.Null() } } }, (_request, reply) => reply.code(204).send())
  })
  app.get('/outside', () => 'x')
  const { paths }: Document = (await app.inject('/openapi.json')).json()
  const statuses = (path: string, method: string) => Object.keys(paths[path]?.[method]?.responses ?? {}).join(' ')
  assert.equal(statuses('/things', 'get'), '200 400 401 404 408 414 417 431 503')
  assert.equal(statuses('/things', 'post'), '204 400 401 408 413 414 415 417 431 503')
  assert.equal(statuses('/outside', 'get'), '200 400 408 414 417 431')
  const unavailable = paths['/things']?.get?.responses['503']
  assert.deepEqual(Object.keys(unavailable?.content ?? {}), ['application/problem+json'])
  assert.deepEqual(Object.keys(unavailable?.headers ?? {}), ['retry-after'])
})

test('a refusal that is documented is answered as it was before', async t => {
  const app = await createServer({ title: 'Things', version: '1' })
  t.after(() => app.close())
  documentProblems(app, 400)
  const body = Type.Object({ id: Type.String() })
  app.post('/things', { schema: { body, response: { 204: Type.Null() } } }, (_request, reply) => reply.code(204).send())
  const answer = await app.inject({ method: 'POST', url: '/things', body: { id: 7 } })
  assert.match(String(answer.headers['content-type']), /^application\/problem\+json/)
  assert.deepEqual(answer.json().errors, [{ path: 'body/id', message: 'must be string' }])
})
