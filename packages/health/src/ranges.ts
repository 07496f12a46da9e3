/** @throws RangeError unless `value` is a number from `least` to `most`. */
export function checkRange(name: string, value: number, least: number, most: number): number {
  if (!(value >= least && value <= most)) throw new RangeError(`${name} is from ${least} to ${most}, not ${value}`)
  return value
}

/** @throws RangeError unless `value` is a whole number from `least` to `most`. */
export function checkWhole(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value)) throw new RangeError(`${name} is a whole number, not ${value}`)
  return checkRange(name, value, least, most)
}

/** The longest time anything here is told to wait for: a day, in milliseconds. */
export const DAY_MS = 86_400_000
