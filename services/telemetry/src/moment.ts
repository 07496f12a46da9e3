/** What a time looks like here. */
export const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/

/** What the store's calendar and ours both have, in milliseconds: years 1 to 9999, whatever the offset said. */
const first = Date.parse('0001-01-01T00:00:00.000Z')
const last = Date.parse('9999-12-31T23:59:59.999Z')

/**
 * RFC 3339 to milliseconds since 1970; undefined for what is not a moment of the calendar. `Date.parse` alone takes many
 * other forms, and reads the 30th of February as the 2nd of March.
 */
export function parseMoment(text: string): number | undefined {
  if (!rfc3339.test(text)) return undefined
  const ms = Date.parse(text)
  if (!(ms >= first && ms <= last)) return undefined
  return Number(text.slice(8, 10)) <= daysIn(Number(text.slice(0, 4)), Number(text.slice(5, 7))) ? ms : undefined
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}
