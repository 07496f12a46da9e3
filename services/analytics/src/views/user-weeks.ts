/**
 * In which weeks each user was there, for a part of all users, as bytes: by ascending hash, two 32-bit halves, the number of
 * weeks, and the weeks ascending. What users there are and when they came decides every byte, in whatever order it was told.
 */

const day = 86_400_000

/** The week that holds `ms`, counted from the one of 1 January 1970. Weeks begin on Monday, UTC. */
export const weekOf = (ms: number) => Math.floor((ms / day + 3) / 7)

/** The Monday with which a week begins, in milliseconds. */
export const mondayOf = (week: number) => (week * 7 - 3) * day

/** Which of 1,024 parts a user is kept in, by the high half of the hash: a refresh rewrites those in which somebody was there. */
export const shardOf = (high: number) => high >>> 22

/** Called with the week a user was first seen in, one in which they were there, and how many more of these there are: 1 or -1. */
export type Count = (first: number, week: number, more: 1 | -1) => void

/** Who was there when, as told: high half, low half, week, over and over, in any order and more than once. */
export type Seen = readonly number[]

/** `stored` with `seen` put in; undefined when that changes nothing. Every change to the cohorts goes to `count`. */
export function addSeen(stored: Uint8Array | undefined, seen: Seen, count: Count): Uint8Array | undefined {
  const news = sorted(seen)
  const old = stored === undefined ? [] : read(stored)
  const merged: User[] = []
  let changed = false
  let i = 0
  for (const user of news) {
    while (i < old.length && before(old[i]!, user)) merged.push(old[i++]!)
    const known = i < old.length && !before(user, old[i]!) ? old[i++]! : undefined
    const weeks = known === undefined ? user.weeks : union(known.weeks, user.weeks)
    if (weeks.length !== known?.weeks.length) {
      changed = true
      recount(known?.weeks ?? [], weeks, count)
    }
    merged.push({ high: user.high, low: user.low, weeks })
  }
  while (i < old.length) merged.push(old[i++]!)
  return changed ? written(merged) : undefined
}

interface User {
  high: number
  low: number
  weeks: readonly number[]
}

const before = (a: User, b: User) => a.high < b.high || (a.high === b.high && a.low < b.low)

/** Users in order, each with their weeks in order, nothing twice. */
function sorted(seen: Seen): User[] {
  const order = Array.from({ length: seen.length / 3 }, (_, i) => i * 3)
  order.sort((a, b) => seen[a]! - seen[b]! || seen[a + 1]! - seen[b + 1]! || seen[a + 2]! - seen[b + 2]!)
  const users: (User & { weeks: number[] })[] = []
  for (const at of order) {
    const [high, low, week] = [seen[at]!, seen[at + 1]!, seen[at + 2]!]
    const last = users.at(-1)
    if (last?.high !== high || last.low !== low) users.push({ high, low, weeks: [week] })
    else if (last.weeks.at(-1) !== week) last.weeks.push(week)
  }
  return users
}

function union(a: readonly number[], b: readonly number[]): readonly number[] {
  const more = b.filter(week => !a.includes(week))
  return more.length === 0 ? a : [...a, ...more].sort((x, y) => x - y)
}

/** A user who turns out to have come earlier leaves their cohort with all of their weeks and joins another. */
function recount(old: readonly number[], now: readonly number[], count: Count): void {
  if (old[0] === now[0]) {
    for (const week of now) if (!old.includes(week)) count(now[0]!, week, 1)
    return
  }
  for (const week of old) count(old[0]!, week, -1)
  for (const week of now) count(now[0]!, week, 1)
}

function written(users: readonly User[]): Uint8Array {
  const bytes = new Uint8Array(users.reduce((sum, { weeks }) => sum + 10 + weeks.length * 2, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const { high, low, weeks } of users) {
    view.setUint32(at, high, true)
    view.setUint32(at + 4, low, true)
    view.setUint16(at + 8, weeks.length, true)
    at += 10
    for (const week of weeks) {
      view.setUint16(at, week, true)
      at += 2
    }
  }
  return bytes
}

function read(bytes: Uint8Array): User[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const users: User[] = []
  for (let at = 0; at < bytes.length; ) {
    const [high, low, n] = [view.getUint32(at, true), view.getUint32(at + 4, true), view.getUint16(at + 8, true)]
    at += 10
    const weeks = Array.from({ length: n }, (_, i) => view.getUint16(at + i * 2, true))
    at += n * 2
    users.push({ high, low, weeks })
  }
  return users
}
