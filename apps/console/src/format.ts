/** Numbers, durations and times as text. en-GB, UTC; nothing here reads the viewer's time zone. */

const whole = new Intl.NumberFormat('en-GB')
const short = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 })
const dayAndMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'short', timeZone: 'UTC' })

/** What stands where a number is not known. Never a zero. */
export const NOT_KNOWN = '–'

/** A count with thousands separators: 9999 is "9,999". */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? NOT_KNOWN : whole.format(value)
}

/** A count for an axis: 12500 is "12.5K". */
export function countShort(value: number): string {
  return short.format(value)
}

/** A share of 0 to 1. Rounding never turns a little into none, or nearly all into all. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NOT_KNOWN
  if (share === 0) return '0%'
  if (share === 1) return '100%'
  if (share < 0.0001) return '<0.01%'
  if (share > 0.999 && share < 1) return '>99.9%'
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)}%`
}

/** A latency in milliseconds, to three figures or so. */
export function millis(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOT_KNOWN
  if (value < 10) return `${Number(value.toFixed(1))} ms`
  if (value < 999.5) return `${Math.round(value)} ms`
  if (value < 59_950) return `${(value / 1000).toFixed(value < 9_995 ? 2 : 1)} s`
  return `${(value / 60_000).toFixed(1)} min`
}

/** How far behind: finer than `age`, because a lag is mostly below a second. */
export function lag(milliseconds: number): string {
  if (milliseconds <= 0) return '0 s'
  if (milliseconds < 1000) return `${Math.max(1, Math.round(milliseconds))} ms`
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`
  return age(milliseconds)
}

/** An age in its largest whole unit: "5 s", "3 min", "2 h", "4 d". */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

/** "14:03:22" in UTC. */
export function timeOfDay(time: string | number): string {
  return iso(time).slice(11, 19)
}

/** "Sun 17 May 2015" for the UTC day `2015-05-17`, or for any instant in it. */
export function dayName(day: string | number, withYear = true): string {
  const date = new Date(day)
  if (Number.isNaN(date.getTime())) return String(day)
  const name = `${weekday.format(date)} ${dayAndMonth.format(date)}`
  return withYear ? `${name} ${date.getUTCFullYear()}` : name
}

/** "17 May", for an axis. */
export function dayShort(time: string | number): string {
  return dayAndMonth.format(new Date(time))
}

/** "Sun 17 May 2015, 14:00 UTC". */
export function instant(time: string | number): string {
  return `${dayName(time)}, ${iso(time).slice(11, 16)} UTC`
}

/** "17 May 2015 00:00 to 21 May 2015 00:00 UTC". */
export function span(from: string | number, to: string | number): string {
  const [start, end] = [new Date(from), new Date(to)]
  const part = (date: Date, year: boolean) =>
    `${dayAndMonth.format(date)}${year ? ` ${date.getUTCFullYear()}` : ''} ${date.toISOString().slice(11, 16)}`
  return `${part(start, start.getUTCFullYear() !== end.getUTCFullYear())} – ${part(end, true)} UTC`
}

function iso(time: string | number): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? '----------T--:--:--' : date.toISOString()
}
