/** RFC 4180: CRLF, quotes doubled. */

export type Cell = string | number | null

/**
 * A table as CSV text. A text that a spreadsheet would run as a formula is put behind an apostrophe: names come from
 * whoever sends events (OWASP, "CSV injection").
 */
export function toCsv(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map(row => `${row.map(cell).join(',')}\r\n`).join('')
}

function cell(value: Cell): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
