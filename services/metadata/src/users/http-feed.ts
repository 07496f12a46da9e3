import { type Clock, systemClock } from '../clock.ts'
import type { UserFeed, UserFeedPage } from './registered-users.ts'
import { FeedContractError } from './user-event.ts'

export interface HttpUserFeedOptions {
  /** Where users answers, without a path. */
  url: string
  adminToken: string
  /** Time between two looks while there is nothing new, in milliseconds. Default 1,000. */
  pollMs?: number
  /** How long one answer may take, in milliseconds. Default 10,000. */
  timeoutMs?: number
  clock?: Clock
}

/** Users answered with something that is no page. */
export class FeedStatusError extends Error {
  override readonly name = 'FeedStatusError'
  readonly code = 'PLIMSOLL_FEED_STATUS'
  constructor(status: number) {
    super(`users answered its feed with ${status}`)
  }
}

/** The feed of a users service in another process, asked again and again. */
export function httpUserFeed(options: HttpUserFeedOptions): UserFeed {
  const { url, adminToken, pollMs = 1_000, timeoutMs = 10_000, clock = systemClock } = options
  const read = async (after: string | undefined, signal: AbortSignal): Promise<UserFeedPage> => {
    const query = new URLSearchParams({ limit: '500', ...(after !== undefined && { after }) })
    const response = await fetch(new URL(`/v1/user-events?${query}`, url), {
      headers: { authorization: `Bearer ${adminToken}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new FeedStatusError(response.status)
    }
    const page = (await response.json()) as Partial<UserFeedPage> | null
    if (!Array.isArray(page?.events) || typeof page.cursor !== 'string') throw new FeedContractError('no page')
    return { events: page.events, cursor: page.cursor, caughtUp: page.caughtUp === true }
  }
  return {
    async *follow(after, signal) {
      for (let cursor = after; !signal.aborted; ) {
        let page: UserFeedPage
        try {
          page = await read(cursor, signal)
        } catch (error) {
          if (signal.aborted) return
          throw error
        }
        const moved = page.cursor !== cursor
        cursor = page.cursor
        yield page
        if (!moved || page.caughtUp) await clock.wait(pollMs, signal)
      }
    }
  }
}
