import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keepEqual } from './keep-equal.ts'

test('equal answers are the same answer', () => {
  const before = { trend: [{ time: 'a', tiers: { free: 1 } }], total: 1 }
  assert.equal(keepEqual(before, structuredClone(before)), before)
})

test('a change keeps everything beside it', () => {
  const before = { trend: [{ n: 1 }, { n: 2 }], byTier: { free: 1 } }
  const after = keepEqual(before, { trend: [{ n: 1 }, { n: 3 }], byTier: { free: 1 } })
  assert.deepEqual(after.trend, [{ n: 1 }, { n: 3 }])
  assert.equal(after.trend[0], before.trend[0])
  assert.equal(after.byTier, before.byTier)
})

test('a key that went, or a row that went, is a change', () => {
  assert.deepEqual(keepEqual({ free: 1, pro: 2 }, { free: 1 }), { free: 1 })
  assert.deepEqual(keepEqual([1, 2], [1]), [1])
})

test('whatever it keeps, the value is the new one', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      assert.equal(JSON.stringify(sorted(keepEqual(before, after))), JSON.stringify(sorted(after)))
    })
  )
})

/** Keys may come in the old order; that is no difference in JSON. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)])
  )
}
