import type { BlackBox } from './black-box.ts'

/** How a subscriber stands: anything that follows a log or a topic with a cursor of its own. */
export interface SubscriberState {
  /** How far it has come: grows by one with each message that it has handled. */
  position: number
  /** Where what it follows ends, in the same count; left out where that is not known. */
  end?: number
  /** Age of the oldest message that it has not handled, in milliseconds; 0 when it has caught up. */
  lagMs: number
  /** Failed rounds since the last good one. */
  failures: number
  /** Keys that it has set aside, where it does. */
  parked?: number
  /** What the last failed round met. */
  error?: string
  /** False when it has ended and nobody starts it again. */
  alive: boolean
}

/** Watches a subscriber as `subscriber.NAME.*`, and tells when it begins to fail, and when it is well again. */
export function watchSubscriber(name: string, state: () => SubscriberState, blackBox: BlackBox): void {
  let last = state()
  blackBox.add(() => {
    const now = state()
    const was = conditionOf(last)
    const is = conditionOf(now)
    if (was !== is)
      blackBox.happened('subscriber', {
        subject: name,
        detail: { state: is, why: (is === 'failing' && now.error) || `it was ${was}` }
      })
    const figures: Record<string, number> = {
      [`subscriber.${name}.lag.time`]: now.lagMs,
      // Where it begins is no progress: it goes on where it was before this start.
      [`subscriber.${name}.rate`]: last.position > 0 ? Math.max(0, now.position - last.position) : 0,
      [`subscriber.${name}.failures`]: now.failures,
      [`subscriber.${name}.alive`]: now.alive ? 1 : 0
    }
    if (now.end !== undefined) figures[`subscriber.${name}.lag`] = Math.max(0, now.end - now.position)
    if (now.parked !== undefined) figures[`subscriber.${name}.parked`] = now.parked
    last = now
    return figures
  })
}

function conditionOf({ alive, failures }: SubscriberState): 'dead' | 'failing' | 'well' {
  if (!alive) return 'dead'
  return failures > 0 ? 'failing' : 'well'
}
