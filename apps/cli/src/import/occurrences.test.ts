import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Occurrences } from './occurrences.ts'

const hash = (text: string) => createHash('sha256').update(text).digest()

test('each line is counted for itself', () => {
  const seen = new Occurrences()
  assert.deepEqual(
    ['a', 'b', 'a', 'a', 'b', 'c'].map(line => seen.next(hash(line))),
    [1, 1, 2, 3, 2, 1]
  )
})

test('counts survive growing', () => {
  const seen = new Occurrences()
  for (let round = 1; round <= 2; round++) {
    for (let line = 0; line < 10_000; line++) assert.equal(seen.next(hash(String(line))), round)
  }
})

test('hashes that differ in one word only are different lines', () => {
  fc.assert(
    fc.property(fc.nat({ max: 3 }), fc.nat({ max: 31 }), (word, bit) => {
      const seen = new Occurrences()
      const one = Buffer.alloc(16, 0)
      const other = Buffer.alloc(16, 0)
      other.writeUInt32LE((1 << bit) >>> 0, word * 4)
      assert.deepEqual([seen.next(one), seen.next(other), seen.next(one)], [1, 1, 2])
    })
  )
})

test('beyond the limit it says what to do', () => {
  const seen = new Occurrences({ limit: 2 })
  seen.next(hash('a'))
  seen.next(hash('b'))
  seen.next(hash('a'))
  assert.throws(() => seen.next(hash('c')), /split it/)
})
