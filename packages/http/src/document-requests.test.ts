import assert from 'node:assert/strict'
import { test } from 'node:test'
import Type from 'typebox'
import { anyOf, documentRequests } from './document-requests.ts'
import { createServer } from './server.ts'

interface Operation {
  security?: object[]
  parameters?: { in: string; name: string; required?: boolean; schema: object }[]
}

async function things(cookie?: string) {
  const app = await createServer({ title: 'Things', version: '1', ...(cookie === undefined ? {} : { cookie }) })
  await app.register(async scope => {
    documentRequests(scope, {
      headers: { 'x-left': { type: 'integer', minimum: 1, description: 'milliseconds' } },
      credentials: method => (method === 'GET' ? ['bearer', 'cookie'] : ['bearer'])
    })
    scope.get('/things', { schema: { response: { 200: Type.Array(Type.String()) } } }, () => [])
    scope.post(
      '/things',
      {
        config: { documentedHeaders: { 'x-more': { type: 'string', description: 'more' } } },
        schema: { security: anyOf('cookie'), headers: Type.Object({ 'x-must': Type.String() }) }
      },
      () => 'done'
    )
  })
  app.get('/outside', () => 'x')
  return app
}

test('the document says what proves who asks, and which headers are read', async t => {
  const app = await things('thing_session')
  t.after(() => app.close())
  const { paths, components } = (await app.inject('/openapi.json')).json()
  assert.deepEqual(components.securitySchemes, {
    bearer: { type: 'http', scheme: 'bearer' },
    cookie: { type: 'apiKey', in: 'cookie', name: 'thing_session' }
  })
  const { get, post }: { get: Operation; post: Operation } = paths['/things']
  assert.deepEqual(get.security, [{ bearer: [] }, { cookie: [] }])
  assert.deepEqual(
    get.parameters?.map(({ in: where, name }) => [where, name]),
    [['header', 'x-left']]
  )
  assert.deepEqual(post.security, [{ cookie: [] }])
  assert.deepEqual(
    post.parameters?.map(({ name, required = false }) => [name, required]),
    [
      ['x-left', false],
      ['x-more', false],
      ['x-must', true]
    ]
  )
  assert.deepEqual(Object.keys(paths['/outside'].get).includes('security'), false)
})

test('a credential that the server does not know is not in its document', async t => {
  const app = await things()
  t.after(() => app.close())
  const { paths } = (await app.inject('/openapi.json')).json()
  assert.deepEqual(paths['/things'].get.security, [{ bearer: [] }])
})

test('what is documented of a header refuses nothing by itself', async t => {
  const app = await things()
  t.after(() => app.close())
  assert.equal((await app.inject({ url: '/things', headers: { 'x-left': 'soon' } })).statusCode, 200)
})
