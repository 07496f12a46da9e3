import { problem } from '@plimsoll/http'

/** RFC 3339 to milliseconds since 1970. Its form was judged by the schema. @throws Problem 400 `invalid_time` */
export function momentOf(text: string): number {
  const ms = Date.parse(text)
  const day = Number(text.slice(8, 10))
  // `Date.parse` reads the 30th of February as the 2nd of March.
  const days = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate()
  if (
    Number.isNaN(ms) ||
    day > days ||
    ms < Date.parse('0001-01-01T00:00:00Z') ||
    ms > Date.parse('9999-12-31T00:00:00Z')
  )
    throw problem(400, 'invalid_time', 'This is no moment of the calendar.')
  return ms
}
