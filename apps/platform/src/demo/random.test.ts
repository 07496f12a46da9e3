import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandom } from './random.ts'

const take = (seed: number, count: number) => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random.next())
}

test('the same seed gives the same numbers, another seed gives others', () => {
  assert.deepEqual(take(1, 50), take(1, 50))
  for (const seed of [0, 2, 2 ** 32 + 1, -1]) assert.notDeepEqual(take(seed, 5), take(1, 5))
})

test('neighbouring seeds have nothing in common', () => {
  const first = Array.from({ length: 2000 }, (_, seed) => take(seed, 1)[0]!)
  assert.equal(new Set(first).size, 2000)
  const mean = first.reduce((sum, value) => sum + value, 0) / first.length
  assert.ok(Math.abs(mean - 0.5) < 0.03, `${mean}`)
})

test('numbers are spread evenly from 0 to below 1', () => {
  const buckets = new Array<number>(10).fill(0)
  for (const value of take(3, 100_000)) {
    assert.ok(value >= 0 && value < 1)
    buckets[Math.floor(value * 10)]!++
  }
  for (const count of buckets) assert.ok(Math.abs(count - 10_000) < 500, `${buckets}`)
})
