import type { Found } from '../diagnosis/causes.ts'
import { clockTime } from '../diagnosis/in-words.ts'

/** Two stores that fall ill within this time have one reason, in milliseconds. */
const togetherMs = 4_000

/**
 * What was found of several stores, as one where it began at the same time: most often they are on one server. The first of them
 * stands for all.
 */
export function oneServer(found: readonly Found[]): Found[] {
  const merged: Found[] = []
  for (const one of found.toSorted(primaryFirst)) {
    const first = merged.find(
      ({ since, until }) =>
        Math.abs(since - one.since) <= togetherMs && (until === undefined) === (one.until === undefined)
    )
    if (!first) merged.push({ ...one, evidence: [...one.evidence] })
    else {
      first.also = [...(first.also ?? []), one.subject]
      first.evidence.push({
        at: one.since,
        text: `the store ${one.subject} as well, since ${clockTime(one.since)}: the reason is one, most likely their server`,
        series: one.evidence[0]?.series ?? 'store'
      })
    }
  }
  return merged
}

const primaryFirst = (a: Found, b: Found) => Number(b.subject === 'primary') - Number(a.subject === 'primary')
