import type { Envelope } from '../../message/envelope.ts'
import type { Publication } from './segment.ts'

/**
 * Ids that publish made itself stand in no row of their own: nobody could have published them before. A publisher may take one
 * that it was told and publish it again, and that has to be seen. They are UUIDv7, so a segment's are all of about one
 * moment: its first and last one say whether a body has to be looked into.
 */
const spanMs = 1_000

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const millisecondOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

function firstOf(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

/** Where the segment that holds an id may end, if publish made that id; `undefined` for one that it cannot have made. */
export const madeUpTo = (id: string): string | undefined =>
  version7.test(id) ? firstOf(millisecondOf(id) + spanMs + 1) : undefined

/** Whose ids need no row: those that were made, save those that waited for so long that a segment would span too much. */
export function madeNow(publications: readonly Publication[]): (envelope: Envelope) => boolean {
  let last = ''
  for (const { envelopes } of publications) {
    for (const { fresh, id } of envelopes) if (fresh && id > last) last = id
  }
  if (last === '') return () => false
  const oldest = oldestBeside(last)
  return ({ fresh, id }) => fresh === true && id >= oldest
}

/** The first and the last id, when all were made, and at about one moment. */
export function madeSpan(publications: readonly Publication[]): [string, string] | undefined {
  let from = 'g'
  let to = ''
  for (const { envelopes } of publications) {
    for (const { fresh, id } of envelopes) {
      if (!fresh) return
      if (id < from) from = id
      if (id > to) to = id
    }
  }
  return to !== '' && from >= oldestBeside(to) ? [from, to] : undefined
}

const oldestBeside = (last: string): string => firstOf(millisecondOf(last) - spanMs + 1)

export function madeRange(
  messages: readonly Envelope[],
  isMade: (envelope: Envelope) => boolean
): [string, string] | null {
  let from = 'g'
  let to = ''
  for (const envelope of messages) {
    if (!isMade(envelope)) continue
    if (envelope.id < from) from = envelope.id
    if (envelope.id > to) to = envelope.id
  }
  return to === '' ? null : [from, to]
}
