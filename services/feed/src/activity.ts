import type { LogEntry } from '@plimsoll/eventlog'
import { PoisonMessageError } from '@plimsoll/pubsub'

/** One row of somebody's feed: `n` is 1 where it is put there, and -1 where it is taken away again. */
export interface Row {
  userId: string
  /** Milliseconds since 1970. */
  at: number
  id: string
  project: string | null
  kind: string
  detail: string | null
  n: 1 | -1
}

/**
 * What an entry of the log does to feeds: each visit that began is an item of its user. The entry carries the visits that it
 * took away and those that it put there, `[startedAt, …, userId]`; one that is among both has not begun anew.
 * @throws PoisonMessageError when the change is not as agreed
 */
export function rowsOf({ change, stream, id: entry, tenant: project }: LogEntry): Row[] {
  if (change === null || change === undefined) return []
  if (!Array.isArray(change) || change.length !== 2) throw notAgreed(entry)
  const [was, is] = [visitsIn(change[0], entry), visitsIn(change[1], entry)]
  const row = (userId: string, at: number, n: 1 | -1): Row => {
    return { userId, at, id: stream ?? entry, project, kind: 'session.began', detail: null, n }
  }
  const same = (a: Visit, b: Visit) => a.at === b.at && a.userId === b.userId
  return [
    ...was.filter(before => !is.some(after => same(before, after))).map(({ userId, at }) => row(userId, at, -1)),
    ...is.filter(after => !was.some(before => same(before, after))).map(({ userId, at }) => row(userId, at, 1))
  ]
}

interface Visit {
  at: number
  userId: string
}

function visitsIn(told: unknown, entry: string): Visit[] {
  if (told === null) return []
  if (!Array.isArray(told)) throw notAgreed(entry)
  const visits = (told.length > 0 && Array.isArray(told[0]) ? told : [told]) as unknown[][]
  return visits.map(visit => {
    const [at, userId] = [visit[0], visit[6]]
    if (typeof at !== 'number' || !Number.isFinite(at) || typeof userId !== 'string') throw notAgreed(entry)
    return { at, userId }
  })
}

const notAgreed = (id: string) => new PoisonMessageError(`entry ${id} has a change that is not as agreed`)
