import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { eventIdOf, lineHashOf, sessionIdOf, userIdOf } from './event-identity.ts'

const key = Buffer.from('0123456789abcdef')
const time = Date.UTC(2021, 1, 3, 4, 5, 6)
const hash = (line: string) => lineHashOf(Buffer.from(line))

test('a user is named by address and user agent under a key', () => {
  const id = userIdOf(key, '192.0.2.7', 'Sextant')
  assert.match(id, /^u_[0-9a-f]{32}$/)
  assert.equal(userIdOf(key, '192.0.2.7', 'Sextant'), id)
  const others = [
    userIdOf(key, '192.0.2.8', 'Sextant'),
    userIdOf(key, '192.0.2.7', 'Compass'),
    userIdOf(Buffer.from('another key'), '192.0.2.7', 'Sextant')
  ]
  assert.equal(new Set([id, ...others]).size, 4)
})

test('an event is named by its line, its time and which occurrence of the line it is', () => {
  const id = eventIdOf(time, hash('a line'), 1)
  assert.equal(eventIdOf(time, hash('a line'), 1), id)
  assert.notEqual(eventIdOf(time, hash('a line'), 2), id)
  assert.notEqual(eventIdOf(time, hash('another'), 1), id)
})

test('a session is named by its user alone', () => {
  const id = sessionIdOf('u_1')
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(sessionIdOf('u_1'), id)
  assert.notEqual(sessionIdOf('u_2'), id)
})

test('events have UUIDs of version 7 that hold their time', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 47 }), fc.string(), (timeMs, line) => {
      const id = eventIdOf(timeMs, hash(line), 1)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.equal(Number.parseInt(id.replace('-', '').slice(0, 12), 16), timeMs)
    })
  )
})
