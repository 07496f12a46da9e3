const hourMs = 3_600_000

/** Sundays to Saturdays: how busy a day is. */
const days = [0.42, 1.08, 1.16, 1.18, 1.14, 1.02, 0.5]
const daysMean = days.reduce((sum, day) => sum + day, 0) / days.length
/** The busiest hour is one in the afternoon, UTC; in the quietest, at night, this share of the mean is left. */
const busiestHour = 13.5
const nightShare = 0.2

/** How busy a moment is, beside the mean of a whole week, which is 1. */
export function busyness(timeMs: number): number {
  const time = new Date(timeMs)
  const hour = time.getUTCHours() + time.getUTCMinutes() / 60
  const wave = Math.cos(((hour - busiestHour) / 24) * 2 * Math.PI)
  return (1 + (1 - nightShare) * wave) * (days[time.getUTCDay()]! / daysMean)
}

export const busiest = (2 - nightShare) * (Math.max(...days) / daysMean)

export interface Hour {
  fromMs: number
  toMs: number
}

/** The whole working hours, Monday to Friday from 9 to 17 UTC, between two times. */
export function workingHours(fromMs: number, toMs: number): Hour[] {
  const hours: Hour[] = []
  for (let at = Math.ceil(fromMs / hourMs) * hourMs; at + hourMs <= toMs; at += hourMs) {
    const time = new Date(at)
    const weekday = time.getUTCDay() % 6 !== 0
    if (weekday && time.getUTCHours() >= 9 && time.getUTCHours() < 17) hours.push({ fromMs: at, toMs: at + hourMs })
  }
  return hours
}
