const DAY = 86_400_000
/** Beyond this a list of days is no longer read; those without sessions are then left out. */
const MOST_DAYS = 400

export interface DayRow {
  /** `2015-05-17` */
  day: string
  sessions: number
  /** Says so when the range covers only a part of the day. */
  part: string | undefined
}

/** Every UTC day of the range up to now, oldest first; days without a session are zero. Times in milliseconds. */
export function utcDays(
  byDay: readonly { day: string; sessions: number }[],
  from: number,
  to: number,
  now: number
): DayRow[] {
  const end = Math.min(to, now)
  const first = Math.floor(from / DAY) * DAY
  const rows = new Map(byDay.map(({ day, sessions }) => [day, sessions]))
  if ((end - first) / DAY <= MOST_DAYS) {
    for (let time = first; time < end; time += DAY) {
      const day = isoDay(time)
      if (!rows.has(day)) rows.set(day, 0)
    }
  }
  return [...rows]
    .map(([day, sessions]) => ({ day, sessions, part: partOf(Date.parse(day), from, to, now) }))
    .sort((a, b) => (a.day < b.day ? -1 : 1))
}

function partOf(day: number, from: number, to: number, now: number): string | undefined {
  if (now < day + DAY && now >= day && to > now) return 'so far'
  if (from > day) return `from ${clock(from)}`
  if (to < day + DAY) return `until ${clock(to)}`
  return undefined
}

function isoDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

function clock(time: number): string {
  return new Date(time).toISOString().slice(11, 16)
}
