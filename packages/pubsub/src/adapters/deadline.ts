/** A call to a broker that must be answered in time: a network that swallows packets says nothing by itself. */
export async function answeredWithin<T>(what: string, limitMs: number, call: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`${what} was not answered within ${limitMs} ms`)), limitMs)
  try {
    return await Promise.race([call, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Messages in parts that a broker takes in one call. */
export function* partsOf<T>(items: readonly T[], most: number, mostBytes: number, bytesOf: (item: T) => number) {
  let part: T[] = []
  let bytes = 0
  for (const item of items) {
    const size = bytesOf(item)
    if (part.length > 0 && (part.length >= most || bytes + size > mostBytes)) {
      yield part
      part = []
      bytes = 0
    }
    part.push(item)
    bytes += size
  }
  if (part.length > 0) yield part
}
