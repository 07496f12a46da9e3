import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Probe } from './probe.ts'

const begin = () => {
  const probe = new Probe(50, 100, 7)
  probe.next(10, 0)
  return probe
}

describe('a probe', () => {
  it('measures the first calls that begin under its limit, and no other', () => {
    const probe = begin()
    assert.equal(probe.measure(11), 0)
    const measured = Array.from({ length: 40 }, () => probe.measure(10)).filter(step => step === 8)
    assert.equal(measured.length, 32)
  })

  it('is over when most of them have ended, and takes the others for the longest', () => {
    const probe = begin()
    for (let i = 0; i < 32; i++) probe.measure(1)
    for (let ms = 1; ms <= 28; ms++) {
      assert.equal(probe.done(100), false)
      probe.ended(8, ms)
    }
    assert.deepEqual([probe.done(100), probe.found()], [true, 17])
  })

  it('measures another in the place of one that tells nothing', () => {
    const probe = begin()
    for (let i = 0; i < 32; i++) probe.measure(1)
    assert.equal(probe.measure(1), 0)
    probe.ended(8, null)
    assert.equal(probe.measure(1), 8)
  })

  it('counts no call of an older step or probe', () => {
    const probe = begin()
    probe.measure(1)
    probe.next(5, 10)
    probe.measure(1)
    probe.ended(8, 1)
    assert.equal(probe.found(), null)
    probe.ended(9, 2)
    assert.equal(new Probe(50, 100, probe.step).step, 9)
  })

  it('gives up in the end, and knows nothing when most calls hang', () => {
    const probe = begin()
    for (let i = 0; i < 8; i++) probe.measure(1)
    for (const ms of [1, 2, 3]) probe.ended(8, ms)
    assert.deepEqual([probe.done(999), probe.done(1_000), probe.found()], [false, true, null])
  })

  it('drains until calls are under its limit, or those of before must have ended', () => {
    const probe = begin()
    assert.deepEqual([probe.draining(99), probe.draining(100)], [true, false])
    probe.measure(10)
    assert.equal(probe.draining(1), false)
  })
})
