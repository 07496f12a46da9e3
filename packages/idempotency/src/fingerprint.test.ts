import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson, type FingerprintParts, fingerprint } from './fingerprint.ts'

const parts = (over: Partial<FingerprintParts> = {}): FingerprintParts => ({
  method: 'POST',
  route: '/orders/:id',
  target: '/orders/7',
  body: { b: [1, { y: 1, x: 2 }], a: null },
  ...over
})

test('the order of keys and the case of the method do not matter', () => {
  assert.equal(fingerprint(parts()), fingerprint(parts({ method: 'post', body: { a: null, b: [1, { x: 2, y: 1 }] } })))
})

test('everything else does', () => {
  const others: Partial<FingerprintParts>[] = [
    { method: 'PUT' },
    { route: '/orders' },
    { target: '/orders/8' },
    { target: undefined },
    { body: undefined },
    { body: null },
    { body: { b: [{ y: 1, x: 2 }, 1], a: null } },
    { body: '{"a":null}' },
    { body: Buffer.from('{"a":null}') }
  ]
  const all = [parts(), ...others.map(parts)].map(fingerprint)
  assert.equal(new Set(all).size, all.length)
  for (const each of all) assert.match(each, /^v1:[\w-]{43}$/)
})

test('canonical JSON means what the JSON meant, whatever the order of its keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = canonicalJson(value)
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)))
      assert.equal(canonicalJson(reversed(value)), text)
    })
  )
})

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)])
  )
}
