import type { Position } from '../../broker.ts'

/** Of a message: its segment, and its place in that. */
export interface Place {
  readonly xid: string
  readonly position: string
  readonly at: number
}

/** Larger than any place in a segment. */
const behindAll = 9_999

/** A segment's part of its messages' positions, as text that sorts as the pair does. */
export const segmentText = (xid: string, position: number | bigint): string =>
  `${xid.padStart(20, '0')}.${String(position).padStart(19, '0')}.`

export const positionText = (segment: string, at: number): string => segment + String(at).padStart(4, '0')

/** What a consumer kept before there were segments names one that now is a segment by itself: all of it was handled. */
export const positionIn = (position: Position): Position =>
  position === null || position.length > 40 ? position : positionText(`${position}.`, behindAll)

export function placeOf(position: Position): Place {
  const [xid = '0', number = '0', at = '-1'] = positionIn(position)?.split('.') ?? []
  return { xid: String(BigInt(xid)), position: String(BigInt(number)), at: Number(at) }
}
