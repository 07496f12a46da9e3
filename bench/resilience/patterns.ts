/** Who of many is called: always the same; one of a hundred that are in use while the others rest; each in turn. */
export type Pattern = 'one' | 'hot' | 'all'

const HOT = 100

/** The indices to be called, over and over. */
export function orderOf(pattern: Pattern, count: number): Uint32Array {
  const used = { one: 1, hot: Math.min(HOT, count), all: count }[pattern]
  return Uint32Array.from({ length: used }, (_, i) => Math.floor((i * count) / used))
}
