import type { Diagnosis, Finding } from '@plimsoll/recorder'

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

/**
 * One incident however long it takes and whatever it turns into: it opens when a cause has stood for a while, changes when
 * another cause comes first, closes when nothing has been wrong for a while. Pure.
 */
export function follow(
  state: Following,
  diagnosis: Diagnosis,
  { now, patience, newId }: { now: number; patience: Patience; newId(): string }
): { state: Following; news?: News } {
  // Nothing recorded is no evidence, neither of a fault nor of health.
  if (diagnosis.state === 'unknown') return { state: { ...state, lookedAt: now } }
  const gapMs = Math.min(mostGapMs, Math.max(0, now - (state.lookedAt ?? now)))
  const first = causeOf(diagnosis)
  const { open } = state
  if (!first) return well(state, open, { now, gapMs, patience })

  const same = open && isSame(open.cause, first)
  if (same) return { state: { open: { ...open, cause: first, also: alsoOf(diagnosis) }, wellMs: 0, lookedAt: now } }
  const stoodMs = state.rising && isSame(state.rising, first) ? state.rising.stoodMs + gapMs : 0
  if (stoodMs < patience.openAfterMs) {
    const rising = { rule: first.rule, subject: first.subject, stoodMs }
    return { state: { ...(open && { open }), rising, wellMs: 0, lookedAt: now } }
  }
  const incident: Incident = open
    ? {
        ...open,
        cause: first,
        also: alsoOf(diagnosis),
        before: [...open.before, { at: open.cause.since, title: open.cause.title }].slice(-mostKept)
      }
    : { id: newId(), since: first.since, openedAt: now, cause: first, also: alsoOf(diagnosis), before: [] }
  return {
    state: { open: incident, wellMs: 0, lookedAt: now },
    news: { kind: open ? 'updated' : 'opened', incident }
  }
}

function well(
  state: Following,
  open: Incident | undefined,
  { now, gapMs, patience }: { now: number; gapMs: number; patience: Patience }
): { state: Following; news?: News } {
  if (!open) return { state: { wellMs: 0, lookedAt: now } }
  const wellMs = state.wellMs + gapMs
  if (wellMs < patience.closeAfterMs) return { state: { open, wellMs, lookedAt: now } }
  return { state: { wellMs: 0, lookedAt: now }, news: { kind: 'closed', incident: { ...open, closedAt: now } } }
}

/** What comes first of all that goes on. A platform that is down for no known reason is a cause too: someone must look. */
function causeOf(diagnosis: Diagnosis): Cause | undefined {
  const first = diagnosis.causes.find(({ until }) => until === undefined)
  if (first) {
    const { rule, subject, title, cost, lever, since, evidence } = first
    return { rule, subject, title, cost, lever, since, evidence: evidence.slice(0, 4).map(({ text }) => text) }
  }
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

function alsoOf({ causes }: Diagnosis): string[] {
  return causes
    .filter(({ until }) => until === undefined)
    .slice(1, 6)
    .map(({ title }) => title)
}

const isSame = (a: { rule: string; subject: string }, b: { rule: string; subject: string }) =>
  a.rule === b.rule && a.subject === b.subject
