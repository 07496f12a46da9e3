/**
 * A 64-bit hash of a string's UTF-16 code units, left as two unsigned 32-bit lanes in `out` (`[high, low]`).
 *
 * Two cross-fed lanes and the finaliser of MurmurHash3 (Austin Appleby, public domain), four code units a round. It is
 * kept in stored sketches, so it never changes. It is not keyed: who may choose the strings can make collisions.
 */
export function hash64(text: string, out: Uint32Array): void {
  const { length } = text
  let a = 0x9368e53c ^ length
  let b = 0x586dcd20 ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    a = feedHigh(a, b, text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16))
    b = feedLow(b, a, text.charCodeAt(i + 2) | (text.charCodeAt(i + 3) << 16))
  }
  if (i < length) {
    // charCodeAt is NaN beyond the end, and NaN | 0 is 0: the tail is padded with zeros, and the length tells them apart.
    a = feedHigh(a, b, text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16))
    b = feedLow(b, a, text.charCodeAt(i + 2) | (text.charCodeAt(i + 3) << 16))
  }
  a = (a + b) | 0
  b = (b + a) | 0
  a = scatter(a)
  b = scatter(b)
  a = (a + b) | 0
  b = (b + a) | 0
  out[0] = a
  out[1] = b
}

function feedHigh(a: number, b: number, units: number): number {
  const k = Math.imul(units, 0x239b961b)
  const mixed = a ^ Math.imul((k << 15) | (k >>> 17), 0xab0e9789)
  return (Math.imul((((mixed << 19) | (mixed >>> 13)) + b) | 0, 5) + 0x561ccd1b) | 0
}

function feedLow(b: number, a: number, units: number): number {
  const k = Math.imul(units, 0xab0e9789)
  const mixed = b ^ Math.imul((k << 16) | (k >>> 16), 0x38b34ae5)
  return (Math.imul((((mixed << 17) | (mixed >>> 15)) + a) | 0, 5) + 0x0bcaa747) | 0
}

function scatter(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
