/**
 * A curl line that sends one session start. Its id is a UUIDv7 (RFC 9562) made for this page, so that sending it twice
 * shows a duplicate. `now` in milliseconds; `random` at least 32 bytes.
 */
export function exampleRequest(origin: string, now: number, random: Uint8Array): string {
  const event = {
    id: uuidv7(now, random.subarray(0, 16)),
    type: 'session.start',
    time: new Date(now).toISOString(),
    user: { id: 'user-1' },
    session: { id: uuidv7(now, random.subarray(16, 32)) }
  }
  return [
    `curl ${origin}/v1/events`,
    "-H 'Authorization: Bearer YOUR_WRITE_KEY'",
    "-H 'Content-Type: application/json'",
    `-d '${JSON.stringify(event)}'`
  ].join(' \\\n  ')
}

/** 48 bits of milliseconds, then the version, the variant and 74 random bits. */
export function uuidv7(now: number, random: Uint8Array): string {
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => random[index] ?? 0)
  for (let index = 0; index < 6; index += 1) bytes[index] = Math.floor(now / 2 ** (8 * (5 - index))) % 256
  bytes[6] = 0x70 | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  const hex = [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** A text as one word of a POSIX shell. Names may come from a link that someone else wrote, and commands are copied unread. */
export function shellWord(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
