/** 2^12 registers: standard error 1.04 / sqrt(4096) = 1.6 %. */
export const PRECISION = 12
export const REGISTERS = 1 << PRECISION
const REST_BITS = 64 - PRECISION
/** The greatest rank: all bits after the index are zero. */
export const MAX_RANK = REST_BITS + 1

/** The first 12 bits choose a register; it keeps the greatest number of leading zeros, plus one, of the other 52. */
export function observe(registers: Uint8Array, high: number, low: number): void {
  const index = high >>> (32 - PRECISION)
  const rest = high << PRECISION
  const rank = rest !== 0 ? Math.clz32(rest) + 1 : 32 - PRECISION + Math.clz32(low) + 1
  if (rank > registers[index]!) registers[index] = rank
}

/**
 * The improved raw estimator of Otmar Ertl ("New cardinality estimation algorithms for HyperLogLog sketches", 2017):
 * free of bias over the whole range, without the tables and the switch-over that HyperLogLog++ needs.
 */
export function estimateRegisters(registers: Uint8Array): number {
  const histogram = new Float64Array(MAX_RANK + 1)
  for (let i = 0; i < REGISTERS; i++) histogram[registers[i]!]!++
  let z = REGISTERS * tau(1 - histogram[MAX_RANK]! / REGISTERS)
  for (let k = REST_BITS; k >= 1; k--) z = 0.5 * (z + histogram[k]!)
  z += REGISTERS * sigma(histogram[0]! / REGISTERS)
  return REGISTERS ** 2 / (2 * Math.LN2 * z)
}

function sigma(share: number): number {
  if (share === 1) return Infinity
  let x = share
  let y = 1
  let z = x
  for (;;) {
    x *= x
    const before = z
    z += x * y
    y += y
    if (z === before) return z
  }
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0
  let x = share
  let y = 1
  let z = 1 - x
  for (;;) {
    x = Math.sqrt(x)
    const before = z
    y *= 0.5
    z -= (1 - x) ** 2 * y
    if (z === before) return z / 3
  }
}
