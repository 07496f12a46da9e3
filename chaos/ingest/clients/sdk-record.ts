/** What a program told an SDK to record, and what it knows of it. The SDK makes ids and times by itself. */

export interface Call {
  /** In the event's data, so that it can be found in the log. */
  tag: string
  feature: string
  /** In true time, milliseconds since 1970. */
  madeAt: number
  /**
   * Whether it is known that the SDK has put the event where it outlives its process, or has counted it as lost just so.
   * A call that a kill cut short is not: its event may be missing, and may be there once.
   */
  sure: boolean
  /** Nothing can be made of its data: the SDK must count it as lost. */
  spoilt?: boolean
}

/** Something about a session that the SDK was told, or did by itself. */
export interface SessionNote {
  session: string
  madeAt: number
  sure: boolean
}

export interface SdkRecord {
  /** Of all its events, and of no other client's. */
  user: string
  calls: Call[]
  /** One start is due for each. */
  starts: SessionNote[]
  ends: SessionNote[]
  /** Sessions that may have begun in the moment of a kill, so that nobody knows their ids. */
  nameless: number
}

/** So that the log tells what an SDK sent. */
export const sdkUser = (name: string): string => `by-${name}`
