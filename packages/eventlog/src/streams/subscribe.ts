import type { Database } from '@plimsoll/database'
import { type Cursor, start } from '../entry.ts'
import type { Filter } from './order-rows.ts'
import { type EventPage, readPage, type Source } from './read.ts'
import { onAppend } from './wake.ts'

export interface SubscribeOptions extends Filter {
  /** Right behind this place; `'end'` is behind all that is committed now. Default: the beginning. */
  from?: Cursor | 'end'
  /** Ends the subscription, without an error. */
  signal?: AbortSignal
  /** Events a page, 1 to 10,000. Default 500. */
  batch?: number
  /** Leaves what is personal sealed. Default: opened. */
  sealed?: boolean
  /** An event that cannot be read: throw, or give it without data and with `unreadable`. Default `throw`. */
  unreadable?: 'throw' | 'tell'
  /** Time between looks when no append of this process is heard of, in milliseconds. Default 250. */
  pollMs?: number
}

/** Time between looks while something committed is above the horizon: nobody tells when it moves. */
const heldPollMs = 20

/**
 * Pages from a place on, first those that are there, then each as it comes. Nothing is read until it is asked for, so a
 * slow consumer slows the reading and fills no queue. A page may have no event when a filter passed over all.
 */
export async function* subscribe(
  database: Database,
  source: Source,
  cutNow: () => Promise<Cursor>,
  { from, signal, batch = 500, pollMs = 250, ...filter }: SubscribeOptions
): AsyncGenerator<EventPage> {
  const bell = newBell()
  const stopListening = onAppend(database, source.schema, bell.ring)
  signal?.addEventListener('abort', bell.ring)
  try {
    let cursor = from === 'end' ? await cutNow() : (from ?? start)
    while (!signal?.aborted) {
      bell.quiet()
      const page = await readPage(source, { ...filter, from: cursor, batch })
      if (signal?.aborted) return
      const moved = page.cursor.xid !== cursor.xid || page.cursor.position !== cursor.position
      cursor = page.cursor
      if (moved) yield page
      else await bell.heard(page.caughtUp ? pollMs : Math.min(pollMs, heldPollMs))
    }
  } finally {
    stopListening()
    signal?.removeEventListener('abort', bell.ring)
  }
}

/** Rung by appends; a ring between the look and the wait is not lost. */
export function newBell(): { ring(): void; quiet(): void; heard(timeoutMs: number): Promise<void> } {
  let rung = false
  let hear: (() => void) | undefined
  return {
    ring() {
      rung = true
      hear?.()
    },
    quiet() {
      rung = false
    },
    async heard(timeoutMs) {
      if (rung) return
      const { promise, resolve } = Promise.withResolvers<void>()
      hear = resolve
      const timer = setTimeout(resolve, timeoutMs)
      await promise
      clearTimeout(timer)
      hear = undefined
    }
  }
}
