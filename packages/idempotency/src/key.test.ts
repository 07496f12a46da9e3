import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdempotencyKeyInvalidError } from './errors.ts'
import { readIdempotencyKey } from './key.ts'

test('a quoted string and a bare one are the same key', () => {
  for (const header of ['"8e03978e"', '8e03978e', '  8e03978e\t', ' "8e03978e" ']) {
    assert.equal(readIdempotencyKey(header), '8e03978e')
  }
  assert.equal(readIdempotencyKey('"a \\"b\\" \\\\ c"'), 'a "b" \\ c')
  assert.equal(readIdempotencyKey(undefined), undefined)
  assert.equal(readIdempotencyKey('x'.repeat(255))?.length, 255)
  assert.equal(readIdempotencyKey(`"${'x'.repeat(255)}"`)?.length, 255)
})

test('what is no key is refused, and not taken for a missing one', () => {
  const bad = [
    '',
    '  ',
    '""',
    'a b',
    'a, b',
    '"a", "b"',
    '"a',
    'a"',
    '"a\\b"',
    '"a";p=1',
    'é',
    '"é"',
    'a\u0007',
    ['a', 'b']
  ]
  for (const header of [...bad, 'x'.repeat(256), `"${'x'.repeat(256)}"`]) {
    assert.throws(() => readIdempotencyKey(header), IdempotencyKeyInvalidError, JSON.stringify(header))
  }
})
