import { CommandError } from './exit-codes.ts'

const units: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 }

/** A time as the commands print it, such as `2026-01-02 03:04:05 UTC`. */
const printed = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}(?::\d{2})?) UTC$/

/** A moment as a flag has it: a time, or how long ago. In milliseconds since 1970. */
export function momentOf(flag: string, text: string, now = Date.now()): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(text) ?? []
  if (count !== undefined && unit !== undefined) {
    const ago = now - Number(count) * units[unit]!
    if (ago < 0) throw new CommandError(`${flag} "${text}" is before 1970, and nothing was recorded then`)
    return ago
  }
  const time = text.replace(printed, '$1T$2Z')
  const moment = /^\d{4}-\d{2}-\d{2}T/.test(time) ? Date.parse(time) : Number.NaN
  if (Number.isNaN(moment))
    throw new CommandError(
      `${flag} is a moment, as 2026-01-02T03:04:05Z or "2026-01-02 03:04:05 UTC", or how long ago, as 90s, 10m or 2h; not "${text}"`
    )
  return moment
}
