import type { BlackBoxRecord, Occurrence } from '../record.ts'

/**
 * A trouble that lasts longer than what is read of the records would become what is usual, and be forgotten. So the watcher
 * notes which causes go on and since when, and who finds such a note reads what was before the trouble as well.
 */

/** A cause that has gone on for a while. */
export interface Standing {
  rule: string
  subject: string
  /** Milliseconds since 1970. */
  since: number
}

/** How the note of a cause that goes on is called among the occurrences. */
export const standingName = 'goes-on'

/** A note holds for so long, in milliseconds. */
const holdsMs = 150_000
/** How long before the trouble is read, which must be longer than what is read of it, and how much of its beginning. In milliseconds. */
const beforeMs = 15 * 60_000
const beginningMs = 30_000

/** The note to be recorded. It tells the age, which is right whatever happens to the clock. */
export function noteOf({ rule, subject, since }: Standing, now: number) {
  return { name: standingName, subject, detail: { rule, age: now - since } } as const
}

/** What goes on at a moment by the notes before it, each cause once. */
export function standingAt(records: Iterable<BlackBoxRecord>, at: number): Standing[] {
  const found = new Map<string, Standing>()
  for (const record of records) {
    if (record.kind !== 'occurrence' || record.at > at || record.at <= at - holdsMs) continue
    const note = readNote(record)
    if (note) found.set(`${note.rule}\n${note.subject}`, note)
  }
  return [...found.values()]
}

function readNote({ name, at, subject, detail }: Occurrence): Standing | undefined {
  const { rule, age } = detail ?? {}
  if (name !== standingName || subject === undefined) return undefined
  return typeof rule === 'string' && typeof age === 'number' && age >= 0
    ? { rule, subject, since: at - age }
    : undefined
}

/** The time before the first of them; undefined when nothing goes on. */
export function pastOf(standing: readonly Standing[]): { from: number; to: number } | undefined {
  if (standing.length === 0) return undefined
  const since = Math.min(...standing.map(one => one.since))
  return { from: since - beforeMs, to: since + beginningMs }
}

/**
 * Puts what was before the trouble that goes on at a moment in front of the records, where it is not among them.
 * @param records by time
 * @param read what lies from a moment to another, both included
 */
export function withPast(
  records: readonly BlackBoxRecord[],
  at: number,
  read: (span: { from: number; to: number }) => readonly BlackBoxRecord[]
): readonly BlackBoxRecord[] {
  const past = pastOf(standingAt(records, at))
  const first = records[0]?.at
  if (!past || first === undefined || past.from >= first) return records
  return [...read({ from: past.from, to: Math.min(past.to, first - 1) }), ...records]
}
