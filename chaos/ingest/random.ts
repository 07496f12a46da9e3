/** Numbers from 0 to 1, the same for the same seed: mulberry32 (Tommy Ettinger's, in the public domain). */
export type Random = () => number

export function seededRandom(...seeds: (number | string)[]): Random {
  let state = 0
  for (const seed of seeds) for (const char of `${seed}/`) state = Math.imul(state ^ char.charCodeAt(0), 0x9e3779b1)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!
}

/** A whole number from `least` to `most`, both included. */
export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}

/** The same things in another order (Fisher and Yates). */
export function shuffled<T>(random: Random, from: readonly T[]): T[] {
  const all = [...from]
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const kept = all[i]!
    all[i] = all[j]!
    all[j] = kept
  }
  return all
}
