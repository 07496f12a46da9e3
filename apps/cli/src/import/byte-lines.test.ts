import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LineCutter } from './byte-lines.ts'

function cut(chunks: (string | Buffer)[], limit = 1000) {
  const cutter = new LineCutter(limit)
  const lines = chunks.flatMap(chunk => [...cutter.push(Buffer.from(chunk))])
  return [...lines, ...cutter.end()]
}
const texts = (chunks: string[], limit?: number) => cut(chunks, limit).map(({ bytes }) => bytes.toString())

test('lines end with a line feed, or with the stream', () => {
  assert.deepEqual(texts(['a\nb\n\nc']), ['a', 'b', '', 'c'])
  assert.deepEqual(texts(['a\n']), ['a'])
  assert.deepEqual(texts(['']), [])
})

test('a carriage return before the line feed is part of the line end', () => {
  assert.deepEqual(texts(['a\r\nb\rc\r', '\nd\r']), ['a', 'b\rc', 'd'])
})

test('lines are numbered from 1', () => {
  assert.deepEqual(
    cut(['a\nb\n', 'c']).map(({ number }) => number),
    [1, 2, 3]
  )
})

test('a line beyond the limit is marked, shortened, and harms no other line', () => {
  const lines = cut([`a\n${'x'.repeat(800)}`, 'y'.repeat(800), `${'z'.repeat(10)}\nb\n`])
  assert.deepEqual(
    lines.map(({ number, tooLong }) => [number, tooLong]),
    [
      [1, false],
      [2, true],
      [3, false]
    ]
  )
  assert.equal(lines[1]?.bytes.toString(), 'x'.repeat(512))
  assert.equal(lines[2]?.bytes.toString(), 'b')
})

test('a line of exactly the limit fits', () => {
  assert.equal(cut([`${'x'.repeat(1000)}\n`])[0]?.tooLong, false)
  assert.equal(cut([`${'x'.repeat(1001)}\n`])[0]?.tooLong, true)
})

test('where the chunks are cut makes no difference', () => {
  const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', '\r', 'x'.repeat(30)), { maxLength: 40 })
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 100 })), (parts, cuts) => {
      const whole = parts.join('')
      const places = [0, ...cuts.map(place => place % (whole.length + 1)).sort((a, b) => a - b), whole.length]
      const chunks = places.slice(1).map((place, i) => whole.slice(places[i], place))
      const expected = cut([whole], 50).map(({ bytes, tooLong }) => (tooLong ? 'too long' : bytes.toString()))
      const actual = cut(chunks, 50).map(({ bytes, tooLong }) => (tooLong ? 'too long' : bytes.toString()))
      assert.deepEqual(actual, expected)
    })
  )
})
