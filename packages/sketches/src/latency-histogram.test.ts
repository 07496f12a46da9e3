import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as histogram from './latency-histogram.ts'
import { MalformedSketchError } from './malformed.ts'

const of = (values: readonly number[]) => {
  const h = histogram.empty()
  for (const ms of values) histogram.record(h, ms)
  return h
}
const merged = (...parts: histogram.LatencyHistogram[]) => {
  const h = histogram.empty()
  for (const part of parts) histogram.merge(h, part)
  return h
}
const bytes = (h: histogram.LatencyHistogram) => Buffer.from(histogram.encode(h)).toString('hex')

const inRange = fc.double({ min: 2 ** -10, max: 2 ** 22 - 1, noNaN: true })
const latency = fc.oneof(inRange, fc.nat(3_000), fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(1e9))
const latencies = fc.array(latency, { maxLength: 200, size: 'max' })

describe('a latency histogram', () => {
  it('reads every quantile within the stated error of the exact one', () => {
    const q = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.array(inRange, { minLength: 1, maxLength: 300, size: 'max' }), q, (values, q) => {
        const sorted = Float64Array.from(values).sort()
        const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!
        const read = histogram.quantile(of(values), q)!
        assert.ok(Math.abs(read - exact) <= exact * histogram.relativeError, `${read} for ${exact}`)
      })
    )
    assert.ok(histogram.relativeError <= 0.02)
  })

  it('keeps the error at the edges of its buckets', () => {
    for (let octave = -10; octave < 22; octave++) {
      for (let part = 0; part < 32; part++) {
        const lower = 2 ** octave * (1 + part / 32)
        const below = lower * (1 - Number.EPSILON)
        for (const ms of [lower, Math.max(below, 2 ** -10)]) {
          assert.ok(Math.abs(histogram.quantile(of([ms]), 0.5)! - ms) <= ms * histogram.relativeError, `${ms}`)
        }
      }
    }
  })

  it('reads what is below its range as 0 and what is above as 2^22 ms', () => {
    assert.equal(histogram.quantile(of([0, 0.0009]), 1), 0)
    assert.equal(histogram.quantile(of([2 ** 22, 1e12]), 0), 2 ** 22)
  })

  it('has no quantile while empty, and counts repeated values', () => {
    const h = histogram.empty()
    assert.equal(histogram.quantile(h, 0.5), null)
    histogram.record(h, 5, 99)
    histogram.record(h, 800)
    assert.equal(histogram.count(h), 100)
    assert.ok(Math.abs(histogram.quantile(h, 0.99)! - 5) < 0.1)
    assert.ok(Math.abs(histogram.quantile(h, 1)! - 800) < 16)
  })

  it('merges to the same bytes in any order and grouping', () => {
    fc.assert(
      fc.property(latencies, latencies, latencies, (a, b, c) => {
        const whole = bytes(of([...a, ...b, ...c]))
        assert.equal(bytes(merged(of(a), of(b), of(c))), whole)
        assert.equal(bytes(merged(of(c), of(a), of(b))), whole)
        assert.equal(bytes(merged(of(a), merged(of(b), of(c)))), whole)
      })
    )
  })

  it('doubles when merged into itself', () => {
    const h = of([1, 2, 3_000])
    histogram.merge(h, h)
    assert.equal(bytes(h), bytes(of([1, 2, 3_000, 1, 2, 3_000])))
    assert.equal(histogram.count(h), 6)
  })

  it('comes back whole from its bytes', () => {
    fc.assert(
      fc.property(latencies, values => {
        const h = of(values)
        const back = histogram.decode(histogram.encode(h))
        assert.equal(bytes(back), bytes(h))
        assert.equal(histogram.count(back), values.length)
        assert.equal(histogram.quantile(back, 0.9), histogram.quantile(h, 0.9))
      })
    )
  })

  it('is small: 10,000 calls around 5 ms take less than 150 bytes', () => {
    const h = histogram.empty()
    for (let i = 0; i < 10_000; i++) histogram.record(h, 4 + (i % 400) / 200)
    assert.ok(histogram.encode(h).length < 150)
  })

  it('keeps counts beyond 32 bits', () => {
    const h = histogram.empty()
    histogram.record(h, 1, 2 ** 52)
    assert.equal(histogram.count(histogram.decode(histogram.encode(h))), 2 ** 52)
    assert.throws(() => histogram.record(h, 2, 2 ** 52), RangeError)
    assert.equal(histogram.count(h), 2 ** 52)
  })

  it('refuses what is not a latency, a count or a quantile', () => {
    const h = histogram.empty()
    for (const ms of [-1, Number.NaN, Infinity]) assert.throws(() => histogram.record(h, ms), RangeError)
    for (const n of [0, -1, 1.5]) assert.throws(() => histogram.record(h, 1, n), RangeError)
    for (const q of [-0.1, 1.1, Number.NaN]) assert.throws(() => histogram.quantile(h, q), RangeError)
    assert.equal(histogram.count(h), 0)
  })

  const refused = { name: 'MalformedSketchError', code: 'SKETCH_MALFORMED' }

  it('refuses bytes that it did not write', () => {
    const bad: Record<string, number[]> = {
      'nothing at all': [],
      'another version': [0x12],
      'a gap without a count': [0x11, 5],
      'half a number': [0x11, 5, 0x80],
      'an empty bucket': [0x11, 5, 0],
      'a bucket beyond the last': [0x11, 0xff, 0x7f, 1],
      'a number with needless zeros': [0x11, 5, 0x81, 0],
      'a number beyond 2^53': [0x11, 5, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
    }
    for (const [what, content] of Object.entries(bad)) {
      assert.throws(() => histogram.decode(Uint8Array.from(content)), refused, what)
    }
  })

  it('reads any bytes either to a histogram of the same bytes or to a clear error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40, size: 'max' }), tail => {
        const given = Uint8Array.of(0x11, ...tail)
        try {
          assert.deepEqual(histogram.encode(histogram.decode(given)), given)
        } catch (error) {
          assert.ok(error instanceof MalformedSketchError, String(error))
        }
      })
    )
  })
})
