import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CheckOptions, check } from './check.ts'

const of = (over: Partial<CheckOptions> = {}) =>
  check({ name: 'postgres:ping', kind: 'shared', run: () => {}, ...over })

test('what is shared warns and what is own fails readiness, unless it is said otherwise', () => {
  assert.equal(of().readiness, 'warn')
  assert.equal(of({ kind: 'own' }).readiness, 'fail')
  assert.equal(of({ kind: 'own', readiness: 'none' }).readiness, 'none')
})

test('what is shared may fail readiness only with a reason', () => {
  assert.throws(() => of({ readiness: 'fail' }), { name: 'RangeError', message: /takes every replica out at once/ })
  assert.throws(() => of({ readiness: 'fail', because: '' }), RangeError)
  const because = 'each replica has a shard of its own behind this name'
  assert.deepEqual(
    [of({ readiness: 'fail', because }).readiness, of({ readiness: 'fail', because }).because],
    ['fail', because]
  )
})

test('the times have defaults', () => {
  const { everyMs, timeoutMs, failAfter, passAfter, staleAfterMs } = of()
  assert.deepEqual([everyMs, timeoutMs, failAfter, passAfter, staleAfterMs], [10_000, 1_000, 3, 2, 33_000])
})

test('what is out of range is refused with the name of the check', () => {
  for (const over of [
    { everyMs: 0 },
    { timeoutMs: Number.NaN },
    { failAfter: 1.5 },
    { passAfter: 0 },
    { staleAfterMs: 9_999 },
    { kind: 'theirs' as never },
    { readiness: 'maybe' as never }
  ]) {
    assert.throws(() => of(over), { name: 'RangeError', message: /^postgres:ping: / }, JSON.stringify(over))
  }
})

test('a name is component:measurement, and not one that is measured in any case', () => {
  for (const name of ['', 'a b', 'a:b:c', ':a', 'x'.repeat(61), 'heap:used', 'process', 'eventLoop:mine']) {
    assert.throws(() => of({ name }), RangeError, name)
  }
  assert.equal(of({ name: 'heaps' }).name, 'heaps')
})
