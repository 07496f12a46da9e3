/**
 * Makes UUIDs of version 7 (RFC 9562, section 5.7 and method 1 of 6.2): each is greater than the one before, whatever the
 * clock does. The 12 bits after the time count within a millisecond from a random start; when they run out, the next
 * millisecond is begun early.
 */
export function createIds(now: () => number): () => string {
  let last = 0
  let count = 0
  return () => {
    const random = crypto.getRandomValues(new Uint8Array(10))
    const hex = (at: number, to: number) =>
      Array.from(random.subarray(at, to), byte => byte.toString(16).padStart(2, '0')).join('')
    const ms = now()
    if (ms > last) {
      last = ms
      count = random[8]! * 8
    } else if (++count > 0xfff) {
      last++
      count = 0
    }
    const time = last.toString(16).padStart(12, '0')
    const tail = count.toString(16).padStart(3, '0')
    random[0] = (random[0]! & 0x3f) | 0x80
    return `${time.slice(0, 8)}-${time.slice(8)}-7${tail}-${hex(0, 2)}-${hex(2, 8)}`
  }
}

/** When an id was made, in milliseconds since 1970. */
export const timeOfId = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
