import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createIds, timeOfId } from './event-id.ts'

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('an id is a UUID of version 7 that tells when it was made', () => {
  const id = createIds(() => 1_767_225_600_123)()
  assert.match(id, uuid7)
  assert.equal(timeOfId(id), 1_767_225_600_123)
})

test('each id is greater than the one before, whatever the clock does', () => {
  const times = fc.array(fc.integer({ min: 0, max: 2 ** 42 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(times, times => {
      let now = 0
      const newId = createIds(() => now)
      let last = ''
      for (now of times) {
        const id = newId()
        assert.match(id, uuid7)
        assert.ok(id > last)
        last = id
      }
    })
  )
})

test('a millisecond holds more ids than it can count: the next is begun early', () => {
  const newId = createIds(() => 1_000)
  const ids = Array.from({ length: 10_000 }, newId)
  assert.deepEqual(ids, ids.toSorted())
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(timeOfId(ids.at(-1)!) <= 1_003)
})
