import type { PartKind } from './part.ts'

/** Orders of parts that do harm, with the reason. */
const HARMFUL: readonly { outer: PartKind; inner: PartKind; because: string }[] = [
  {
    outer: 'hedge',
    inner: 'retry',
    because:
      'a call that waits to be repeated would count as slow, and each of the two would be repeated: put the hedge inside the retry'
  },
  {
    outer: 'hedge',
    inner: 'cache',
    because: 'both of its calls would share one, as all calls of a key do: put the hedge inside the cache'
  },
  {
    outer: 'hedge',
    inner: 'fallback',
    because: 'what the fallback says for one call would win over the answer of the other: put the hedge inside it'
  },
  {
    outer: 'hedge',
    inner: 'deadline',
    because: 'the second call would get a deadline of its own, later than the first: put the hedge inside it'
  }
]

/** @throws RangeError when `kinds`, the outermost first, has one part inside of another where it does harm. */
export function checkOrder(policy: string, kinds: readonly PartKind[]): void {
  for (const { outer, inner, because } of HARMFUL) {
    const at = kinds.indexOf(outer)
    if (at !== -1 && kinds.lastIndexOf(inner) > at) {
      throw new RangeError(`${policy}: a ${inner} inside of a ${outer}: ${because}`)
    }
  }
}
