/** Random numbers that are the same in every run for the same seed. Not for secrets. */
export interface Random {
  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number
  /** From 0 up to and without 1. */
  next(): number
}

/** sfc32, "small fast counting", from Chris Doty-Humphrey's PractRand: 128 bits of state, a period of at least 2^32. */
export function createRandom(seed: number): Random {
  let a = 0x9e3779b9
  let b = seed | 0
  let c = Math.floor(seed / 0x1_0000_0000) | 0
  let counter = 1
  const uint32 = () => {
    const result = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + result
    return result >>> 0
  }
  // The seed takes a few rounds to reach every bit of the state.
  for (let round = 0; round < 15; round++) uint32()
  return { uint32, next: () => uint32() / 0x1_0000_0000 }
}
