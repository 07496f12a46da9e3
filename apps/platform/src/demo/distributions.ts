import type { Random } from './random.ts'

/** The time to the next of things that come by themselves, in the unit of the mean. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random.next())
}

/** Latencies look like this: half are below the median, a few are far above. By Box and Muller (1958). */
export function logNormal(random: Random, median: number, sigma: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()))
  return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random.next()))
}

/** A choice among things by weight, prepared once. */
export function weighted<Thing>(things: readonly Thing[], weightOf: (thing: Thing, index: number) => number) {
  let sum = 0
  const upTo = Float64Array.from(things, (thing, index) => (sum += weightOf(thing, index)))
  return (random: Random): Thing => {
    const wanted = random.next() * sum
    let low = 0
    let high = upTo.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (upTo[middle]! > wanted) high = middle
      else low = middle + 1
    }
    return things[low]!
  }
}
