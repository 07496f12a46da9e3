/**
 * The new value, with every part that did not change taken from the old one. A poll every two seconds mostly brings what
 * is already on the page; parts that keep their identity are not drawn again.
 */
export function keepEqual<T>(before: unknown, after: T): T {
  if (Object.is(before, after)) return after
  if (Array.isArray(before) && Array.isArray(after)) {
    const kept = after.map((value, index) => keepEqual(before[index], value))
    return (same(kept, before) ? before : kept) as T
  }
  if (isRecord(before) && isRecord(after)) {
    const kept = Object.fromEntries(Object.entries(after).map(([key, value]) => [key, keepEqual(before[key], value)]))
    const keys = Object.keys(kept)
    const unchanged =
      keys.length === Object.keys(before).length && keys.every(key => key in before && kept[key] === before[key])
    return (unchanged ? before : kept) as T
  }
  return after
}

function same(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
