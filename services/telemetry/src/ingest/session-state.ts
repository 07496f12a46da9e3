import { type Enrichment, regionOf, tierOf } from '../enrichment/enrichment.ts'
import { addTime, type Visits, visitAt, visitGapMs } from './visits.ts'

/** A session as the primary store keeps it: a fold of its events. Times in milliseconds. */
export interface SessionState {
  userId: string
  startedAt: number
  lastAt: number
  /** The latest session.end; the session is open while something happened after it. */
  endedAt: number | null
  enrichment: Enrichment
  events: number
  deletedAt: number | null
  /** Null while there is one, from `startedAt` to `lastAt`. */
  visits: Visits | null
}

export interface SessionFact {
  type: string
  time: number
  userId: string
  enrichment: Enrichment
}

/**
 * Adds one event to a session. Start is the earliest time and activity the latest, and the user is the earliest event's
 * (the lesser id on a tie), so the order in which events arrive changes nothing. A deleted session stays as it is.
 */
export function foldSession(state: SessionState | undefined, fact: SessionFact): SessionState {
  const endedAt = fact.type === 'session.end' ? fact.time : null
  if (!state) {
    return {
      userId: fact.userId,
      startedAt: fact.time,
      lastAt: fact.time,
      endedAt,
      enrichment: fact.enrichment,
      events: 1,
      deletedAt: null,
      visits: null
    }
  }
  if (state.deletedAt !== null) return state
  const earlier = fact.time < state.startedAt || (fact.time === state.startedAt && fact.userId < state.userId)
  const userId = earlier ? fact.userId : state.userId
  // Only what is known of this very user: another user's tier is not a guess at this one's.
  const enrichment =
    userId !== state.userId || (userId === fact.userId && state.enrichment.state === 'unknown')
      ? fact.enrichment
      : state.enrichment
  return {
    userId,
    startedAt: Math.min(state.startedAt, fact.time),
    lastAt: Math.max(state.lastAt, fact.time),
    endedAt: endedAt === null ? state.endedAt : Math.max(state.endedAt ?? endedAt, endedAt),
    enrichment,
    events: state.events + 1,
    deletedAt: null,
    visits: visitsWith(state, fact.time)
  }
}

/** Most sessions are one visit that goes on: they keep no list. */
function visitsWith(state: SessionState, time: number): Visits | null {
  if (!state.visits && time >= state.startedAt - visitGapMs && time <= state.lastAt + visitGapMs) return null
  const visits = addTime(visitsOf(state), time)
  return visits.length > 2 ? visits : null
}

export function visitsOf(state: SessionState): Visits {
  return state.visits ?? [state.startedAt, state.lastAt]
}

export function isOpen(state: SessionState): boolean {
  return state.endedAt === null || state.lastAt > state.endedAt
}

/** When it was over, as of `now`: by its end, or by the silence after its last activity. Null while it goes on. */
export function overAt(state: SessionState, now: number): number | null {
  if (!isOpen(state)) return state.endedAt
  return now - state.lastAt > visitGapMs ? state.lastAt : null
}

/** `[startedAt, lastAt, open, tier, region, enrichment, userId]` of one visit: what read models need to count it. */
export type VisitSummary = [number, number, 0 | 1, string, string, Enrichment['state'], string]

/** Each visit of a session, in order; none of one that is deleted. Only the last can be open. */
export function summarise(state: SessionState | undefined): VisitSummary[] {
  if (!state || state.deletedAt !== null) return []
  const visits = visitsOf(state)
  return Array.from({ length: visits.length / 2 }, (_, i) => summaryOf(state, visits, i))
}

function summaryOf(state: SessionState, visits: Visits, i: number): VisitSummary {
  const { enrichment } = state
  const open = i * 2 === visits.length - 2 && isOpen(state) ? 1 : 0
  const labels = [tierOf(enrichment), regionOf(enrichment), enrichment.state, state.userId] as const
  return [visits[i * 2]!, visits[i * 2 + 1]!, open, ...labels]
}

/**
 * `[before, after]` as JSON: the visits that an entry took away and those that it put in their place; each a summary, a
 * list of several, or null for none. Of a session with many visits only those that changed are told, and at least the one
 * in which the entry's `time` lies: its labels are the entry's.
 */
export function changeOf(
  before: SessionState | undefined,
  after: SessionState | undefined,
  time: number
): string | null {
  if (before?.visits || after?.visits) return JSON.stringify(changedVisits(before, after, time))
  const was = onlyVisit(before)
  const is = onlyVisit(after)
  return was === 'null' && is === 'null' ? null : `[${was},${is}]`
}

let latest: { of: SessionState; text: string } | undefined

/**
 * The summary of a session with one visit, as JSON. Events of a session come one behind another, and what one left is
 * what the next one found: each is written out once.
 */
function onlyVisit(state: SessionState | undefined): string {
  if (!state || state.deletedAt !== null) return 'null'
  if (latest?.of !== state) latest = { of: state, text: JSON.stringify(summaryOf(state, visitsOf(state), 0)) }
  return latest.text
}

type Told = VisitSummary | VisitSummary[] | null

function changedVisits(before: SessionState | undefined, after: SessionState | undefined, time: number): [Told, Told] {
  if (!before || !after || !sameLabels(before, after)) return [told(summarise(before)), told(summarise(after))]
  const [was, is] = [visitsOf(before), visitsOf(after)]
  const shorter = Math.min(was.length, is.length) / 2
  const same = (i: number, j: number) =>
    was[i * 2] === is[j * 2] &&
    was[i * 2 + 1] === is[j * 2 + 1] &&
    (i * 2 === was.length - 2 && isOpen(before)) === (j * 2 === is.length - 2 && isOpen(after))
  let head = 0
  while (head < shorter && same(head, head)) head++
  let tail = 0
  while (tail < shorter - head && same(was.length / 2 - 1 - tail, is.length / 2 - 1 - tail)) tail++
  if (head * 2 === was.length && head * 2 === is.length) {
    const touched = summaryOf(after, is, Math.max(0, visitAt(is, time)))
    return [touched, touched]
  }
  const between = (state: SessionState, visits: Visits) =>
    Array.from({ length: visits.length / 2 - head - tail }, (_, i) => summaryOf(state, visits, head + i))
  return [told(between(before, was)), told(between(after, is))]
}

const told = (visits: VisitSummary[]): Told => (visits.length > 1 ? visits : (visits[0] ?? null))

function sameLabels(a: SessionState, b: SessionState): boolean {
  return (
    a.userId === b.userId &&
    a.deletedAt === null &&
    b.deletedAt === null &&
    a.enrichment.state === b.enrichment.state &&
    tierOf(a.enrichment) === tierOf(b.enrichment) &&
    regionOf(a.enrichment) === regionOf(b.enrichment)
  )
}
