import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonFault } from './json-fault.ts'

const place = (text: string) => {
  const fault = jsonFault(text)
  return fault && `${fault.line}:${fault.column} ${fault.expected}`
}

test('JSON has no fault', () => {
  for (const text of ['0', ' {"a":[1,-2.5e3,true,null,"x\\u00e9\\n"],"b":{}} ', '[]', '""', '[[],{}]']) {
    assert.equal(jsonFault(text), undefined, text)
  }
})

test('the place and the expectation are told', () => {
  assert.equal(place(''), '1:1 a value')
  assert.equal(place('nope'), '1:1 a value')
  assert.equal(place('{"a":\n 1,}'), '2:4 a property name in double quotes')
  assert.equal(place("{'a':1}"), "1:2 a property name in double quotes or '}'")
  assert.equal(place('{"a" 1}'), "1:6 ':'")
  assert.equal(place('[1 2]'), "1:4 ',' or ']'")
  assert.equal(place('{"a":1]'), "1:7 ',' or '}'")
  assert.equal(place('[1,'), '1:4 a value')
  assert.equal(place('"open'), '1:1 a string that ends')
  assert.equal(place('{} {}'), '1:4 the end')
  assert.equal(place('01'), '1:2 the end')
})

test('a million open brackets or a string of megabytes do not exhaust the stack', () => {
  assert.equal(jsonFault('['.repeat(1_000_000))?.offset, 1_000_000)
  assert.equal(jsonFault(`["${'\\n'.repeat(4_000_000)}", oops]`)?.expected, 'a value')
})

const parses = (text: string) => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

test('it agrees with JSON.parse on every text', () => {
  const pieces = fc.constantFrom(
    ...'{}[]:,"\\ntu0123-+.eE \n\t\u0000\u001f\u007f\u2028\ud800é'.split(''),
    'true',
    'null',
    '"a"',
    '"\\u12'
  )
  const noise = fc.array(pieces, { maxLength: 12 }).map(parts => parts.join(''))
  const nearly = fc.tuple(fc.json(), fc.nat(), pieces).map(([json, at, piece]) => {
    const cut = at % (json.length + 1)
    return json.slice(0, cut) + piece + json.slice(cut + 1)
  })
  fc.assert(
    fc.property(fc.oneof(noise, nearly, fc.json()), text => {
      assert.equal(jsonFault(text) === undefined, parses(text), JSON.stringify(text))
    }),
    { numRuns: 3000 }
  )
})
