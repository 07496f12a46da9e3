/** `2026-11-28 12:03:04 UTC`; what is no time is a dash. */
export function moment(at: number): string {
  return isTime(at) ? `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC` : '–'
}

/** `12:03:04`, for places where the day is known. */
export function timeOfDay(at: number): string {
  return isTime(at) ? new Date(at).toISOString().slice(11, 19) : '–'
}

const isTime = (at: number) => Math.abs(at) <= 8.64e15
