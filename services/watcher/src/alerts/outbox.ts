import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Following, Incident, News } from '../incidents/incident.ts'

/** A message that one channel has still to take. */
export interface Pending {
  /** Of the message: the same at each try, so that who gets it twice can tell. */
  id: string
  channel: string
  kind: News['kind']
  incident: Incident
  /** When it happened, in milliseconds since 1970. */
  at: number
  tries: number
  /** Not tried before, in milliseconds since 1970. */
  notBefore: number
}

export interface Kept {
  following: Following
  /** The last incidents that are over, oldest first. */
  past: Incident[]
  pending: Pending[]
}

const mostPast = 50
const mostPending = 60

/** What is known of incidents and who has been told, on disk: a watcher that starts again sends nothing twice. */
export class Outbox {
  #path: string
  #kept: Kept

  constructor(path: string) {
    this.#path = path
    this.#kept = read(path)
  }

  get kept(): Kept {
    return this.#kept
  }

  /** How far the following is, in memory alone: nothing is written while nothing happens. */
  remember(following: Following): void {
    this.#kept = { ...this.#kept, following }
  }

  /** Keeps a change. It stays in memory when the disk will not have it: an alert about a full disk must still go out. */
  keep(change: Partial<Kept>): void {
    const { following, past, pending } = { ...this.#kept, ...change }
    this.#kept = { following, past: past.slice(-mostPast), pending: pending.slice(-mostPending) }
    try {
      writeFileSync(`${this.#path}.new`, JSON.stringify(this.#kept), { mode: 0o600 })
      renameSync(`${this.#path}.new`, this.#path)
    } catch {
      // As said.
    }
  }
}

/** The incidents that a watcher kept in a file: the one that goes on, and those that are over, the latest first. */
export function readIncidents(path: string): { open: Incident | undefined; past: Incident[] } {
  const { following, past } = read(path)
  return { open: following.open, past: past.toReversed() }
}

const nothing = (): Kept => ({ following: { wellMs: 0 }, past: [], pending: [] })

function read(path: string): Kept {
  try {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Partial<Kept>
    if (typeof kept.following?.wellMs !== 'number' || !Array.isArray(kept.past) || !Array.isArray(kept.pending))
      return nothing()
    const { ended, ...following } = kept.following
    if (following.open !== undefined && !isIncident(following.open)) return nothing()
    return {
      following: { ...following, ...(isLastEnd(ended) && { ended }) },
      past: kept.past.filter(isIncident).slice(-mostPast),
      pending: kept.pending.filter(isPending).slice(-mostPending)
    }
  } catch {
    return nothing()
  }
}

/** The file may have been cut short or edited; what is none must not bring the watcher down. */
function isIncident(value: unknown): value is Incident {
  const { id, since, openedAt, cause, also, before } = (value ?? {}) as Partial<Record<keyof Incident, unknown>>
  const { title, rule, subject, cost, lever, evidence } = (cause ?? {}) as Partial<
    Record<keyof Incident['cause'], unknown>
  >
  const { name, action } = (lever ?? {}) as { name?: unknown; action?: unknown }
  return (
    [since, openedAt].every(at => typeof at === 'number') &&
    [id, title, rule, subject, cost, name, action].every(text => typeof text === 'string') &&
    [also, before, evidence].every(Array.isArray)
  )
}

function isLastEnd(value: unknown): value is NonNullable<Following['ended']> {
  const { at, incident, told, steadyMs } = (value ?? {}) as Partial<Record<string, unknown>>
  return (
    [at, steadyMs].every(n => typeof n === 'number') &&
    typeof incident === 'string' &&
    Array.isArray(told) &&
    told.every(name => typeof name === 'string')
  )
}

function isPending(value: unknown): value is Pending {
  const { id, channel, incident, at, tries, notBefore } = (value ?? {}) as Partial<Record<keyof Pending, unknown>>
  return (
    [id, channel].every(text => typeof text === 'string') &&
    [at, tries, notBefore].every(n => typeof n === 'number') &&
    isIncident(incident)
  )
}
