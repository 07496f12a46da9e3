/**
 * The platform's time, as far as a browser can know it: ages on the page compare the platform's times with "now", and
 * a viewer's clock may be wrong by minutes. HTTP `Date` has whole seconds, so small differences are left alone.
 */

const TOLERANCE = 2000
let offset = 0

export function serverNow(): number {
  return Date.now() + offset
}

/** Learns from the `Date` header of an answer. `sentAt` and `receivedAt` in the viewer's time, milliseconds. */
export function noteServerDate(header: string | null, sentAt: number, receivedAt: number): void {
  const date = header === null ? Number.NaN : Date.parse(header)
  if (Number.isNaN(date)) return
  const difference = date + 500 - (sentAt + receivedAt) / 2
  offset = Math.abs(difference) > TOLERANCE ? difference : 0
}
