import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hash64 } from './hash64.ts'

const out = new Uint32Array(2)
const hex = (text: string) => {
  hash64(text, out)
  return [...out].map(lane => lane.toString(16).padStart(8, '0')).join('')
}
const bits = (text: string) =>
  BigInt(`0x${hex(text)}`)
    .toString(2)
    .padStart(64, '0')

describe('the 64-bit hash', () => {
  it('never changes: stored sketches hold it', () => {
    assert.deepEqual(
      Object.fromEntries(['', 'a', 'user-1', 'zażółć', '0190a6c0-0000-7000-8000-000000000000'].map(t => [t, hex(t)])),
      {
        '': 'c7c8c840ac649a70',
        a: '42e1cf7e498a0992',
        'user-1': '2d190233275d213b',
        zażółć: 'bd5ddfeecc675ea2',
        '0190a6c0-0000-7000-8000-000000000000': 'a525247518ff883e'
      }
    )
  })

  it('tells strings apart that differ only by zeros at the end', () => {
    assert.equal(new Set(['', '\0', '\0\0', '\0\0\0', '\0\0\0\0', '\0\0\0\0\0'].map(hex)).size, 6)
  })

  it('flips half of the bits, each about equally often, when one character changes', () => {
    const flips = new Array<number>(64).fill(0)
    const rounds = 4_000
    for (let i = 0; i < rounds; i++) {
      const at = i % 36
      const text = `${i}`.padStart(36, 'x')
      const other = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
      const [a, b] = [bits(text), bits(other)]
      for (let bit = 0; bit < 64; bit++) if (a[bit] !== b[bit]) flips[bit]!++
    }
    for (const [bit, n] of flips.entries()) assert.ok(Math.abs(n / rounds - 0.5) < 0.05, `bit ${bit}: ${n}`)
  })

  it('has no collision in half a million sequential names, in either lane more than chance allows', () => {
    const n = 500_000
    const [high, low] = [new Set<number>(), new Set<number>()]
    for (let i = 0; i < n; i++) {
      hash64(`user-${i}`, out)
      high.add(out[0]!)
      low.add(out[1]!)
    }
    // Chance: n^2 / 2^33 = 29 in 32 bits, with a standard deviation of 5.
    assert.ok(n - high.size < 60, `${n - high.size}`)
    assert.ok(n - low.size < 60, `${n - low.size}`)
  })
})
