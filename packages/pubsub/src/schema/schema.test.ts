import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { IncompatibleSchemaError, SchemaViolationError } from '../errors.ts'
import { compatibilityFaults } from './compatibility.ts'
import { SchemaRegistry } from './registry.ts'
import { type Schema, violations } from './schema.ts'

const order = (required: string[], properties: Record<string, Schema>): Schema => ({
  type: 'object',
  properties,
  required
})
const text: Schema = { type: 'string' }

describe('schemas', () => {
  it('name each place that is not as they say', () => {
    const schema = order(['id', 'lines'], {
      id: text,
      state: { type: 'string', enum: ['open', 'paid'] },
      lines: { type: 'array', items: order(['n'], { n: { type: 'integer' } }) }
    })
    assert.deepEqual(violations(schema, { id: 'a', lines: [{ n: 1 }], extra: true }), [])
    assert.deepEqual(violations(schema, { state: 'lost', lines: [{ n: 1.5 }, {}] }), [
      'data.id is missing',
      'data.state is not one of open, paid',
      'data.lines[0].n is not a value of type integer',
      'data.lines[1].n is missing'
    ])
    assert.deepEqual(violations(schema, null), ['data is not a value of type object'])
  })

  it('backward: a reader of the new one reads the old', () => {
    const before = order(['id'], { id: text })
    assert.deepEqual(compatibilityFaults(before, order(['id'], { id: text, note: text }), 'backward'), [])
    assert.match(compatibilityFaults(before, order(['id', 'note'], { id: text, note: text }), 'backward')[0]!, /note/)
    assert.match(compatibilityFaults(before, order(['id'], { id: { type: 'number' } }), 'backward')[0]!, /string/)
  })

  it('forward: a reader of the old one reads the new', () => {
    const before = order(['id'], { id: text })
    assert.deepEqual(compatibilityFaults(before, order(['id', 'note'], { id: text, note: text }), 'forward'), [])
    assert.match(compatibilityFaults(before, order([], { id: text }), 'forward')[0]!, /requires it/)
  })

  it('an integer may become a number, and a number no integer', () => {
    assert.deepEqual(compatibilityFaults({ type: 'integer' }, { type: 'number' }, 'backward'), [])
    assert.equal(compatibilityFaults({ type: 'number' }, { type: 'integer' }, 'backward').length, 1)
  })

  it('an enum may grow backward and not forward', () => {
    const small: Schema = { type: 'string', enum: ['a'] }
    const large: Schema = { type: 'string', enum: ['a', 'b'] }
    assert.deepEqual(compatibilityFaults(small, large, 'backward'), [])
    assert.equal(compatibilityFaults(small, large, 'forward').length, 1)
    assert.equal(compatibilityFaults(text, small, 'backward').length, 1)
  })

  it('what is compatible is never refused by the reader', () => {
    const names = ['a', 'b', 'c']
    const schemas = fc
      .tuple(
        fc.subarray(names),
        fc.dictionary(fc.constantFrom(...names), fc.constantFrom<Schema>(text, { type: 'number' }, { type: 'integer' }))
      )
      .map(([required, properties]) =>
        order(
          required.filter(name => name in properties),
          properties
        )
      )
    const values = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.string(), fc.integer(), fc.double()))
    fc.assert(
      fc.property(schemas, schemas, values, (before, after, value) => {
        // A value under a name that the writer does not describe is not the writer's to promise.
        const described = Object.keys((before as { properties: object }).properties)
        if (!Object.keys(value).every(name => described.includes(name))) return
        if (violations(before, value).length > 0) return
        if (compatibilityFaults(before, after, 'backward').length > 0) return
        assert.deepEqual(violations(after, value), [])
      })
    )
  })
})

describe('the registry', () => {
  it('takes versions in order and refuses what breaks the one before', () => {
    const registry = new SchemaRegistry().register('order', 1, order(['id'], { id: text }))
    assert.throws(() => registry.register('order', 3, text), RangeError)
    assert.throws(() => registry.register('order', 2, text), IncompatibleSchemaError)
    registry.register('order', 2, text, 'none')
    assert.equal(registry.check('order', 'x')?.version, 2)
    assert.equal(registry.check('order', { id: 'x' }, 1)?.version, 1)
    assert.throws(() => registry.check('order', 'x', 3), SchemaViolationError)
    assert.equal(registry.check('another', 'anything'), undefined)
  })
})
