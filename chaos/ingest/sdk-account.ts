import type { SdkRecord, SessionNote } from './clients/sdk-record.ts'
import { add, type Expected, type LogEntry } from './reconcile.ts'

/** One thing that a client sent or told an SDK, and what became of it. */
export interface Fate {
  madeAt: number
  /** When it came into the log; absent: it is not in it. */
  recordedAt?: number
  lost: boolean
  /** Times beyond the first. */
  doubled: number
}

export interface SdkAccount {
  /** Calls and session events that are known to be in the SDK's hands, as stored or as counted lost. */
  recorded: number
  accepted: number
  /** Of those that were cut short by a kill or a page that went: how many are not in the log. */
  missingUnsure: number
  /** Recorded for sure, not in the log, and not told as lost. */
  lost: number
  doubled: number
  /** More losses told than events are missing. */
  toldTooOften: number
  fates: Map<string, Fate[]>
  differences: string[]
}

/**
 * Recorded = accepted + losses told, none double. What is not known to have reached the SDK's store, a call in whose middle
 * the process was killed or the page went, may be missing; in the log more than once it may never be. Which of the missing
 * were told is not known, since losses have no ids: so what was told must be at least the sure ones that are missing, and
 * at most all that are. Pure, but that what is accepted is added to `expected`, by which the counts are held against it.
 */
export function accountOf(
  records: readonly (SdkRecord & { name: string })[],
  entries: readonly LogEntry[],
  told: number,
  expected: Expected
): SdkAccount {
  const sums = { recorded: 0, accepted: 0, missingSure: 0, missingUnsure: 0, doubled: 0 }
  const fates = new Map<string, Fate[]>()
  const differences: string[] = []
  const byUser = Map.groupBy(entries, ({ user }) => user)
  for (const record of records) {
    const own = byUser.get(record.user) ?? []
    const mine: Fate[] = []
    fates.set(record.name, mine)
    const judge = (
      what: string,
      found: readonly LogEntry[],
      { madeAt, sure, spoilt, feature }: { madeAt: number; sure: boolean; spoilt?: boolean; feature?: string }
    ) => {
      const [first] = found
      const doubled = Math.max(0, found.length - (spoilt ? 0 : 1))
      if (sure) sums.recorded++
      if (first) {
        sums.accepted++
        expectOne(expected, first, madeAt, feature)
      } else if (sure) sums.missingSure++
      else sums.missingUnsure++
      sums.doubled += doubled
      if (doubled > 0 || (!first && sure && !spoilt)) differences.push(`${what} is in the log ${found.length} times`)
      // What was never stored was never sent: it can meet nothing.
      if (!first && (!sure || spoilt)) return
      mine.push({
        madeAt,
        lost: !first,
        doubled,
        ...(first ? { recordedAt: first.recordedAt } : {})
      })
    }

    const byCall = Map.groupBy(own, ({ call }) => call ?? '')
    for (const call of record.calls) judge(`call ${call.tag}`, byCall.get(call.tag) ?? [], call)
    const tags = new Set(record.calls.map(({ tag }) => tag))
    const untagged = byCall.get('') ?? []
    const judgeAll = (type: string, notes: readonly SessionNote[]) => {
      const bySession = Map.groupBy(
        untagged.filter(entry => entry.type === type),
        ({ session }) => session
      )
      for (const note of notes) judge(`${type} of ${note.session}`, bySession.get(note.session) ?? [], note)
      const known = new Set(notes.map(({ session }) => session))
      return [...bySession].filter(([session]) => !known.has(session)).map(([, found]) => found)
    }
    const unknownStarts = judgeAll('session.start', record.starts)
    for (const [n, found] of unknownStarts.entries()) {
      if (n < record.nameless) judge('a start of nobody knows', found, { madeAt: found[0]!.recordedAt, sure: false })
      else sums.doubled += found.length
    }
    sums.missingUnsure += Math.max(0, record.nameless - unknownStarts.length)
    const ofNobody =
      own.filter(({ call }) => call !== null && !tags.has(call)).length +
      judgeAll('session.end', record.ends).flat().length +
      untagged.filter(({ type }) => type !== 'session.start' && type !== 'session.end').length
    if (ofNobody > 0) differences.push(`${ofNobody} entries of ${record.user} were recorded by nobody`)
    sums.doubled += ofNobody
  }
  const { missingSure, ...rest } = sums
  return {
    ...rest,
    lost: Math.max(0, missingSure - told),
    toldTooOften: Math.max(0, told - missingSure - rest.missingUnsure),
    fates,
    differences
  }
}

function expectOne(expected: Expected, entry: LogEntry, madeAt: number, feature: string | undefined): void {
  expected.entries++
  expected.ids.add(entry.id)
  expected.users.add(entry.user)
  add(expected.sessions, entry.session)
  if (feature !== undefined) add(expected.features, feature)
  const times = expected.times.get(entry.session)
  if (times) times.push(madeAt)
  else expected.times.set(entry.session, [madeAt])
}
