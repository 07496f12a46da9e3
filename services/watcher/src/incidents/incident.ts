import { type Diagnosis, type Finding, unaskedEnd } from '@plimsoll/recorder'

/** What an incident keeps of a cause. */
export type Cause = Pick<Finding, 'rule' | 'subject' | 'title' | 'cost' | 'lever' | 'since'> & { evidence: string[] }

/** One stretch of time in which something was wrong, however many causes it had. */
export interface Incident {
  id: string
  /** When its first cause was first seen, and when it was opened: milliseconds since 1970. */
  since: number
  openedAt: number
  closedAt?: number
  /** What comes first now, or came first last. */
  cause: Cause
  /** Titles of what else is wrong. */
  also: string[]
  /** What came first before, oldest first. */
  before: { at: number; title: string }[]
}

/** How far the watcher is with telling whether there is an incident: pure data, kept on disk. */
export interface Following {
  open?: Incident
  /** A cause that has come first for so long and not yet long enough, in milliseconds. */
  rising?: { rule: string; subject: string; stoodMs: number }
  /** For how long nothing has been wrong while an incident is open, in milliseconds. */
  wellMs: number
  /** When it was last looked, in milliseconds since 1970. */
  lookedAt?: number
  /** The last end of the platform that nobody had asked for. */
  ended?: LastEnd
}

/** An end is seen again by each look of a minute, and may come again and again: what is known of the last one. */
interface LastEnd {
  /** Milliseconds since 1970. */
  at: number
  /** The incident that it belongs to, and the causes by which ends were told in it. */
  incident: string
  told: string[]
  /** How long the platform must stay up before that incident is over, in milliseconds: in a loop, longer than it did before. */
  steadyMs: number
}

export interface Patience {
  /** How long a cause must have stood before an incident is opened for it, or changed to it, in milliseconds. */
  openAfterMs: number
  /** How long nothing must have been wrong before it is closed, in milliseconds. */
  closeAfterMs: number
}

export type News = { kind: 'opened' | 'updated' | 'closed'; incident: Incident }

/** Between two looks that are farther apart than this nobody knows what stood: only so much of it counts, in milliseconds. */
const mostGapMs = 20_000
const mostKept = 20
/** Two moments of an end that are closer than this are one, told by clocks that were put right meanwhile. In milliseconds. */
const sameEndMs = 1_500
/** Ends that are farther apart than this are no loop, in milliseconds. */
const longestLoopMs = 1_800_000

/**
 * One incident however long it takes and whatever it turns into: it opens when a cause has stood for a while, changes when
 * another cause comes first, closes when nothing has been wrong for a while. An end of the platform that nobody asked for
 * opens it at once, for a restart ends it within seconds; a loop of such ends is one incident. Pure.
 */
export function follow(
  state: Following,
  diagnosis: Diagnosis,
  { now, patience, newId }: { now: number; patience: Patience; newId(): string }
): { state: Following; news?: News } {
  // Nothing recorded is no evidence, neither of a fault nor of health.
  if (diagnosis.state === 'unknown') return { state: { ...state, lookedAt: now } }
  const end = unaskedEnd(diagnosis)
  if (end && isNew(end.at, state.ended, now)) return ended(state, diagnosis, { ...end, now, newId })
  const gapMs = Math.min(mostGapMs, Math.max(0, now - (state.lookedAt ?? now)))
  const first = causeOf(diagnosis)
  const { open } = state
  const seen = { lookedAt: now, ...(state.ended && { ended: state.ended }) }
  if (!first) {
    // It says by now that it is over, and for how long it was.
    const over = open && end && isSame(open.cause, end.cause) ? { ...open, cause: kept(end.cause) } : open
    return well(state, over, { seen, gapMs, patience })
  }

  const same = open && isSame(open.cause, first)
  if (same) return { state: { open: { ...open, cause: first, also: alsoOf(diagnosis, first) }, wellMs: 0, ...seen } }
  const stoodMs = state.rising && isSame(state.rising, first) ? state.rising.stoodMs + gapMs : 0
  if (stoodMs < patience.openAfterMs) {
    const rising = { rule: first.rule, subject: first.subject, stoodMs }
    return { state: { ...(open && { open }), rising, wellMs: 0, ...seen } }
  }
  const incident = turned(open, first, diagnosis, { now, newId })
  return { state: { open: incident, wellMs: 0, ...seen }, news: { kind: open ? 'updated' : 'opened', incident } }
}

/** An end that was not told yet. One that is later than now was told by another clock. */
function isNew(at: number, known: LastEnd | undefined, now: number): boolean {
  return known === undefined || !(known.at <= now) || at > known.at + sameEndMs
}

/** What an end that nobody asked for does: by the next look it may be over, and in a minute nobody would know of it. */
function ended(
  state: Following,
  diagnosis: Diagnosis,
  { cause: found, at, now, newId }: { cause: Finding; at: number; now: number; newId(): string }
): { state: Following; news?: News } {
  const { open, rising } = state
  const cause = kept(found)
  const name = `${cause.rule} ${cause.subject}`
  const before = open && state.ended?.incident === open.id ? state.ended.told : []
  const isKnown = open !== undefined && (isSame(open.cause, cause) || before.includes(name))
  const incident = isKnown
    ? isSame(open.cause, cause)
      ? { ...open, cause, also: alsoOf(diagnosis, cause) }
      : open
    : turned(open, cause, diagnosis, { now, newId })
  const sinceLast = at - (state.ended?.at ?? Number.NEGATIVE_INFINITY)
  const last: LastEnd = {
    at,
    incident: incident.id,
    told: [...new Set([...before, name])].slice(-mostKept),
    steadyMs: sinceLast > 0 && sinceLast <= longestLoopMs ? 2 * sinceLast : 0
  }
  return {
    state: { open: incident, ...(rising && { rising }), wellMs: 0, lookedAt: now, ended: last },
    ...(!isKnown && { news: { kind: open ? 'updated' : 'opened', incident } })
  }
}

/** The incident that is open, turned to another cause; or a new one. */
function turned(
  open: Incident | undefined,
  cause: Cause,
  diagnosis: Diagnosis,
  { now, newId }: { now: number; newId(): string }
): Incident {
  const also = alsoOf(diagnosis, cause)
  if (!open) return { id: newId(), since: cause.since, openedAt: now, cause, also, before: [] }
  const before = [...open.before, { at: open.cause.since, title: open.cause.title }].slice(-mostKept)
  return { ...open, cause, also, before }
}

function well(
  state: Following,
  open: Incident | undefined,
  { seen, gapMs, patience }: { seen: { lookedAt: number; ended?: LastEnd }; gapMs: number; patience: Patience }
): { state: Following; news?: News } {
  if (!open) return { state: { wellMs: 0, ...seen } }
  const wellMs = state.wellMs + gapMs
  const steadyMs = seen.ended?.incident === open.id ? seen.ended.steadyMs : 0
  if (wellMs < Math.max(patience.closeAfterMs, steadyMs)) return { state: { open, wellMs, ...seen } }
  return { state: { wellMs: 0, ...seen }, news: { kind: 'closed', incident: { ...open, closedAt: seen.lookedAt } } }
}

/** What comes first of all that goes on. A platform that is down for no known reason is a cause too: someone must look. */
function causeOf(diagnosis: Diagnosis): Cause | undefined {
  const first = diagnosis.causes.find(({ until }) => until === undefined)
  if (first) return kept(first)
  if (diagnosis.state !== 'down') return undefined
  return {
    rule: 'down',
    subject: 'platform',
    title: 'The platform is down, and no rule knows why',
    cost: 'Nothing is taken and nothing is answered.',
    lever: {
      name: 'look at it',
      action: 'Read the last lines of its log, and what `npx plimsoll why` was told.',
      page: 'docs/levers.md'
    },
    since: diagnosis.lastHeard.platform ?? diagnosis.at,
    evidence: [diagnosis.summary]
  }
}

const kept = ({ rule, subject, title, cost, lever, since, evidence }: Finding): Cause => ({
  rule,
  subject,
  title,
  cost,
  lever,
  since,
  evidence: evidence.slice(0, 4).map(({ text }) => text)
})

function alsoOf({ causes }: Diagnosis, first: Cause): string[] {
  return causes
    .filter(one => one.until === undefined && !isSame(one, first))
    .slice(0, 5)
    .map(({ title }) => title)
}

const isSame = (a: { rule: string; subject: string }, b: { rule: string; subject: string }) =>
  a.rule === b.rule && a.subject === b.subject
