import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import Schema from 'typebox/schema'
import type { JsonSchema, OpenApiDocument } from './document.ts'
import { projects } from './draft.ts'
import { Shots, wholeBytes } from './ways.ts'

const body: JsonSchema = {
  type: 'object',
  required: ['id', 'list'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: '^[a-z0-9_-]{1,32}$' },
    at: { type: 'string', format: 'date-time' },
    list: {
      type: 'array',
      minItems: 1,
      maxItems: 3,
      items: { anyOf: [{ type: 'integer', minimum: 100, maximum: 599 }, { type: 'null' }] }
    },
    text: { type: 'string', minLength: 1, maxLength: 200 },
    outcome: {
      anyOf: [
        { type: 'string', enum: ['ok'] },
        { type: 'string', enum: ['error'] }
      ]
    }
  }
}
const document: OpenApiDocument = {
  paths: {
    '/v1/things/{id}': {
      put: {
        parameters: [
          { in: 'path', name: 'id', required: true, schema: { type: 'string', minLength: 1 } },
          { in: 'query', name: 'limit', schema: { type: 'integer', minimum: 1, maximum: 9 } }
        ],
        requestBody: { content: { 'application/json': { schema: body } } },
        responses: { 200: {} }
      }
    }
  }
}
const now = Date.parse('2026-01-02T03:04:05Z')
const fitting = Schema.Compile(body)

test('a valid request fits its schema', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 1_000 }), (seed, index) => {
      const shot = new Shots(document, seed, now).make(index)
      for (const { mutations, value } of shot.drafts)
        if (mutations.length === 0) assert.deepEqual(fitting.Errors(value)[1], [])
    })
  )
})

test('the same seed and number make the same bytes', () => {
  const bytesOf = (index: number) => {
    const { drafts, noise } = new Shots(document, 42, now).make(index)
    return noise ?? Buffer.concat(drafts.map(draft => wholeBytes(draft, text => text)))
  }
  for (let index = 0; index < 60; index++) assert.deepEqual(bytesOf(index), bytesOf(index))
})

test('nothing but its own key writes to the books', () => {
  const shots = new Shots(document, 3, now)
  for (let index = 0; index < 1_000; index++) {
    for (const { method, headers, query } of shots.make(index).drafts) {
      if (method === 'GET' || method === 'HEAD' || !headers.some(([, value]) => value.includes('{admin}'))) continue
      assert.ok(!headers.some(([name, value]) => name === 'x-plimsoll-project' && value === projects.books))
      assert.ok(!query.some(([, value]) => value === projects.books))
    }
  }
})
