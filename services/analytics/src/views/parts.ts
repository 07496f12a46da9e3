import type { LogEntry } from '@plimsoll/eventlog'

/** One of several writers of the views. Each reads the whole log and counts what falls to it. */
export interface Part {
  index: number
  of: number
}

const several = /^analytics\/(\d+)of(\d+)$/

/** Name of a part's cursor. One writer alone has the plain name, by which there never was another. */
export const cursorName = ({ index, of }: Part) => (of === 1 ? 'analytics' : `analytics/${index}of${of}`)

export const isPartName = (cursor: string) => cursor === 'analytics' || several.test(cursor)

export function partOf(cursor: string): Part {
  const named = several.exec(cursor)
  return named ? { index: Number(named[1]), of: Number(named[2]) } : { index: 0, of: 1 }
}

/** All entries of one session fall to one part. */
export function isOfPart({ stream, id }: Pick<LogEntry, 'stream' | 'id'>, { index, of }: Part): boolean {
  const key = stream ?? id
  // The end of a UUID of version 7 is random.
  let sum = 0
  for (let i = key.length - 8; i < key.length; i++) sum = (Math.imul(sum, 31) + key.charCodeAt(i)) >>> 0
  return sum % of === index
}
