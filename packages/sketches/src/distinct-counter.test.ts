import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as distinct from './distinct-counter.ts'
import { MalformedSketchError } from './malformed.ts'

/** A counter that has seen `user-<from>` to `user-<to - 1>`. */
const users = (from: number, to: number) => {
  const c = distinct.empty()
  for (let i = from; i < to; i++) distinct.addString(c, `user-${i}`)
  return c
}
const merged = (...parts: distinct.DistinctCounter[]) => {
  const c = distinct.empty()
  for (const part of parts) distinct.merge(c, part)
  return c
}
const bytes = (c: distinct.DistinctCounter) => Buffer.from(distinct.encode(c)).toString('hex')

describe('a distinct counter', () => {
  it('counts exactly up to 4,096 things, however often each is added', () => {
    const c = users(0, 4_096)
    for (let i = 0; i < 4_096; i++) distinct.addString(c, `user-${i}`)
    assert.deepEqual(distinct.estimate(c), { count: 4_096, error: 0 })
    assert.deepEqual(distinct.estimate(distinct.empty()), { count: 0, error: 0 })
  })

  it('says how far off it may be once it estimates, and is within three times that', () => {
    for (const n of [4_097, 5_000, 8_000, 12_000, 20_000, 50_000, 200_000]) {
      const { count, error } = distinct.estimate(users(0, n))
      assert.ok(error > 0.016 && error < 0.017)
      assert.ok(Math.abs(count - n) <= 3 * error * n, `${count} for ${n}`)
    }
  })

  it('has no bias: the mean over many sets is within half a percent', () => {
    for (const n of [5_000, 10_000, 30_000]) {
      let sum = 0
      for (let round = 0; round < 40; round++) {
        sum += distinct.estimate(users(round * 1_000_000, round * 1_000_000 + n)).count
      }
      assert.ok(Math.abs(sum / 40 / n - 1) < 0.01, `${sum / 40} for ${n}`)
    }
  })

  it('gives the same bytes in any order and grouping, within and across the exact limit', () => {
    const range = fc.tuple(fc.nat(9_000), fc.integer({ min: 0, max: 5_000 }))
    fc.assert(
      fc.property(range, range, range, (...ranges) => {
        const [a, b, c] = ranges.map(([from, n]) => users(from, from + n)) as [
          distinct.DistinctCounter,
          distinct.DistinctCounter,
          distinct.DistinctCounter
        ]
        const one = distinct.empty()
        for (const [from, n] of ranges.toReversed()) {
          for (let i = from + n - 1; i >= from; i--) distinct.addString(one, `user-${i}`)
        }
        const whole = bytes(one)
        assert.equal(bytes(merged(a, b, c)), whole)
        assert.equal(bytes(merged(c, b, a)), whole)
        assert.equal(bytes(merged(a, merged(b, c))), whole)
        assert.equal(bytes(merged(merged(c, a), b)), whole)
      }),
      { numRuns: 40 }
    )
  })

  it('turns dense when two exact counters overflow together, as if it had seen all itself', () => {
    const both = merged(users(0, 3_000), users(2_000, 5_000))
    assert.ok(distinct.estimate(both).error > 0)
    assert.equal(bytes(both), bytes(users(0, 5_000)))
  })

  it('leaves the counter it merged from as it was, and itself when merged into itself', () => {
    const from = users(0, 100)
    const into = users(50, 200)
    distinct.merge(into, from)
    assert.equal(bytes(from), bytes(users(0, 100)))
    distinct.merge(into, into)
    assert.deepEqual(distinct.estimate(into), { count: 200, error: 0 })
  })

  it('comes back whole from its bytes and goes on counting', () => {
    for (const n of [0, 1, 7, 8, 100, 4_096, 4_097, 20_000]) {
      const c = users(0, n)
      // As a driver hands it over: a view into the middle of some larger buffer.
      const row = Buffer.concat([Buffer.from('abc'), distinct.encode(c)]).subarray(3)
      const back = distinct.decode(row)
      assert.equal(bytes(back), bytes(c))
      distinct.addString(back, 'one more')
      distinct.addString(c, 'one more')
      assert.equal(bytes(back), bytes(c))
    }
  })

  it('takes 8 bytes a thing and at most 32,769', () => {
    assert.equal(distinct.encode(users(0, 100)).length, 801)
    assert.equal(distinct.encode(users(0, 100_000)).length, 3_073)
  })

  it('takes a hash of its own, zero included', () => {
    const c = distinct.empty()
    distinct.addHash(c, 0, 0)
    distinct.addHash(c, 0xffffffff, 0xffffffff)
    distinct.addHash(c, 0x80000000, 0)
    distinct.addHash(c, 0, 0x80000000)
    assert.equal(distinct.estimate(c).count, 4)
    assert.equal(distinct.estimate(distinct.decode(distinct.encode(c))).count, 4)
  })

  it('refuses bytes that it did not write', () => {
    const hashes = distinct.encode(users(0, 3))
    const bad: Record<string, Uint8Array> = {
      'nothing at all': new Uint8Array(0),
      'another version': Uint8Array.of(0x23),
      'cut short': hashes.subarray(0, 20),
      'out of order': Uint8Array.of(0x21, ...hashes.subarray(9, 17), ...hashes.subarray(1, 9)),
      'the same hash twice': Uint8Array.of(0x21, ...hashes.subarray(1, 9), ...hashes.subarray(1, 9)),
      'the hash zero': Uint8Array.of(0x21, 0, 0, 0, 0, 0, 0, 0, 0),
      'more hashes than an exact counter holds': new Uint8Array(1 + 8 * 4_097).fill(0x21, 0, 1),
      'a dense form cut short': Uint8Array.of(0x22, 1, 2, 3),
      'a rank that cannot be': new Uint8Array(3_073).fill(0xff).fill(0x22, 0, 1)
    }
    for (const [what, content] of Object.entries(bad)) {
      assert.throws(() => distinct.decode(content), MalformedSketchError, what)
    }
  })
})
