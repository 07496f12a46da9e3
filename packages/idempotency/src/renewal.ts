import { LeaseLostError } from './errors.ts'
import type { Settings } from './settings.ts'
import type { IdempotencyStore, Lease } from './store.ts'

export interface Renewal {
  /** Aborted with a `LeaseLostError` when the lease is lost, or may be. */
  readonly signal: AbortSignal
  stop(): void
}

/**
 * Renews a lease each third of its time, from `begun`, the moment before it was asked for. By its own clock the owner
 * thinks the lease ended a little earlier than the store does, which is the safe side (client-go judges alike). The
 * signal is advice: what decides is the fence at the commit.
 */
export function renewLease<Tx>(
  store: IdempotencyStore<Tx>,
  lease: Lease,
  begun: number,
  { leaseMs, maxRunMs, clock }: Pick<Settings, 'leaseMs' | 'maxRunMs' | 'clock'>
): Renewal {
  const controller = new AbortController()
  let renewedAt = begun
  let stopped = false
  let asking = false

  const stop = () => {
    stopped = true
    clock.clearTimer(timer)
  }
  const lose = () => {
    stop()
    controller.abort(new LeaseLostError(lease.fence))
  }
  const ask = async () => {
    const at = clock.now()
    asking = true
    try {
      if (await store.renew(lease, leaseMs)) renewedAt = at
      else if (!stopped) lose()
    } catch {
      // The store could not be asked. The lease holds until its time is over, and the next third asks again.
    } finally {
      asking = false
    }
  }
  const turn = () => {
    if (clock.now() - renewedAt >= leaseMs || clock.now() - begun >= maxRunMs) return lose()
    timer = clock.setTimer(turn, leaseMs / 3)
    if (!asking) void ask()
  }
  let timer = clock.setTimer(turn, leaseMs / 3)
  return { signal: controller.signal, stop }
}
