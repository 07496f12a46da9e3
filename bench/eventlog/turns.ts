import type { RunOptions } from '../form.ts'

/** So many callers, each with one call at a time, for a time; what they did in a second, `weight` a call. */
export function rate(callers: number, weight: number, call: () => Promise<unknown>): (ms: number) => Promise<number> {
  return async ms => {
    const began = performance.now()
    let calls = 0
    await Promise.all(
      Array.from({ length: callers }, async () => {
        while (performance.now() - began < ms) {
          await call()
          calls++
        }
      })
    )
    return (calls * weight * 1_000) / (performance.now() - began)
  }
}

/** Each way in turn, again and again, so that what the machine does meanwhile meets them all; the best of each. */
export async function inTurns<Name extends string>(
  turns: number,
  ways: Record<Name, () => Promise<number>>,
  note: RunOptions['note']
): Promise<Record<Name, number>> {
  const best = {} as Record<Name, number>
  for (let turn = 1; turn <= turns; turn++) {
    for (const name of Object.keys(ways) as Name[]) {
      const got = await ways[name]()
      best[name] = Math.max(best[name] ?? 0, got)
      note(`turn ${turn}: ${name}: ${Math.round(got)}`)
    }
  }
  return best
}
