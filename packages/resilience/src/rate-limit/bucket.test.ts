import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Bucket, Gcra, TokenBucket } from './bucket.ts'

const arrivals = fc.array(fc.record({ afterMs: fc.nat(500), cost: fc.integer({ min: 1, max: 4 }) }), { maxLength: 100 })
const rates = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 4, max: 20 }) })
const kinds = [
  { name: 'token bucket', make: (unitMs: number, burst: number): Bucket => new TokenBucket({ unitMs, burst }, 0) },
  { name: 'gcra', make: (unitMs: number, burst: number): Bucket => new Gcra({ unitMs, burst }, 0) }
]

for (const { name, make } of kinds) {
  describe(`a ${name}`, () => {
    it('lets a burst in at once and then one in each unit of time', () => {
      const bucket = make(100, 3)
      const take = (now: number) => {
        const waitMs = bucket.waitMs(1, now)
        if (waitMs === 0) bucket.take(1, now)
        return waitMs
      }
      assert.deepEqual([0, 0, 0, 0, 40, 100, 100].map(take), [0, 0, 0, 100, 60, 0, 100])
      assert.deepEqual(
        [bucket.available(350), bucket.available(1_000), bucket.full(399), bucket.full(400)],
        [2.5, 3, false, true]
      )
    })

    it('lets in exactly at the instant that it named, and not before', () => {
      fc.assert(
        fc.property(rates, arrivals, ({ perSecond, burst }, list) => {
          const bucket = make(1_000 / perSecond, burst)
          let now = 0
          for (const { afterMs, cost } of list) {
            now += afterMs
            const waitMs = bucket.waitMs(cost, now)
            if (waitMs > 0) {
              assert.ok(bucket.waitMs(cost, now + waitMs - 0.01) > 0 || waitMs < 0.01)
              assert.equal(bucket.waitMs(cost, now + waitMs), 0)
            } else bucket.take(cost, now)
          }
        })
      )
    })

    it('never lets in more than the burst and what came back, in any stretch of time', () => {
      fc.assert(
        fc.property(rates, arrivals, ({ perSecond, burst }, list) => {
          const bucket = make(1_000 / perSecond, burst)
          const taken: { at: number; cost: number }[] = []
          let now = 0
          for (const { afterMs, cost } of list) {
            now += afterMs
            if (bucket.waitMs(cost, now) > 0) continue
            bucket.take(cost, now)
            taken.push({ at: now, cost })
          }
          for (const [i, { at: from }] of taken.entries()) {
            let sum = 0
            for (const { at, cost } of taken.slice(i)) {
              sum += cost
              assert.ok(sum <= burst + ((at - from) * perSecond) / 1_000 + 0.01)
            }
          }
        })
      )
    })

    it('takes an earlier time for no time', () => {
      const bucket = make(100, 1)
      bucket.take(1, 1_000)
      assert.ok(bucket.waitMs(1, 500) >= 100)
      assert.equal(bucket.waitMs(1, 1_100), 0)
    })
  })
}

describe('token bucket and gcra', () => {
  it('decide alike, whatever comes', () => {
    fc.assert(
      fc.property(rates, arrivals, ({ perSecond, burst }, list) => {
        const [a, b] = kinds.map(({ make }) => make(1_000 / perSecond, burst)) as [Bucket, Bucket]
        let now = 0
        for (const { afterMs, cost } of list) {
          now += afterMs
          const [waitA, waitB] = [a.waitMs(cost, now), b.waitMs(cost, now)]
          assert.ok(Math.abs(waitA - waitB) < 1e-6, `${waitA} and ${waitB}`)
          assert.ok(Math.abs(a.available(now) - b.available(now)) < 1e-6)
          if (waitA > 0) continue
          a.take(cost, now)
          b.take(cost, now)
        }
      })
    )
  })
})
