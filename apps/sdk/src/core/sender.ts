import { timeOfId } from './event-id.ts'
import { batchBytes, batchEvents, lateMs } from './limits.ts'
import type { Losses } from './losses.ts'
import { afterFailure, afterSuccess, type Failure, freshPace, paid, waitOf } from './pace.ts'
import type { Ports, Queued, Settled, Store } from './ports.ts'
import { judge } from './verdict.ts'

export interface Sender {
  /**
   * Sends what waits, oldest first, until nothing is left or an attempt fails. Resolves to true when nothing is left.
   * @param force do not wait out a back-off of this client's own; what the server asked for is waited out all the same
   */
  send(force: boolean): Promise<boolean>
  /** Sends these in one last request, whose answer may never be seen. They stay in the queue until it is. */
  sendLast(batch: readonly Queued[]): void
  /** Milliseconds until an attempt is due. */
  wait(): number
  /** Gives up what is under way. */
  abort(): void
}

export interface SenderOptions {
  ports: Ports
  losses: Losses
  /** Told of events that are done with. */
  onSettled(settled: readonly Settled[]): void
}

export function createSender({ ports, losses, onSettled }: SenderOptions): Sender {
  const { clock, pace, transport } = ports
  let controller = new AbortController()
  const standing = () => pace.load() ?? freshPace
  const wait = () => waitOf(standing(), clock.wallNow())
  const failed = (failure: Failure): false => {
    pace.save(afterFailure(standing(), failure, clock.wallNow(), ports.random()))
    return false
  }
  const settle = async (store: Store, settled: Settled[]) => {
    await store.settle(settled)
    onSettled(settled)
  }
  const bodyOf = (batch: readonly Queued[]) => `[${batch.map(event => event.body).join()}]`

  /**
   * A batch that is refused whole is halved until the bad event stands alone: `suspects` is how many events from the
   * front are known to hold it.
   */
  const drain = async (store: Store, signal: AbortSignal): Promise<boolean> => {
    let suspects = 0
    for (;;) {
      // A store that cannot be read has nothing to send, but that must be told.
      const batch = await store.read(suspects ? Math.ceil(suspects / 2) : batchEvents, batchBytes).catch(() => [])
      if (signal.aborted) return false
      if (batch.length === 0) return true
      const oldest = clock.wallNow() - lateMs
      const old = batch.filter(event => timeOfId(event.id) < oldest)
      if (old.length > 0) {
        await settle(
          store,
          old.map(event => [event.id, 'too_old'])
        )
        continue
      }
      pace.save(paid(standing()))
      const answer = await transport('/v1/events', bodyOf(batch), { signal })
      if (signal.aborted) return false
      const verdict = judge(answer, batch)
      if (verdict.kind === 'judged') {
        await settle(store, verdict.settled)
        if (verdict.again) return failed(answer)
        pace.save(afterSuccess(standing()))
        suspects = Math.max(0, suspects - batch.length)
      } else if (verdict.kind === 'bad' && batch.length > 1) {
        suspects = batch.length
      } else if (verdict.kind === 'bad') {
        await settle(store, [[batch[0]!.id, verdict.reason]])
        // A wait, because something that refuses everything must not empty the queue in a moment.
        return failed({})
      } else {
        return failed({ ...answer, refused: verdict.kind === 'refused' })
      }
    }
  }

  return {
    wait,
    async send(force) {
      if (wait() > 0 && !(force && !standing().told)) return false
      const { signal } = controller
      try {
        for (const store of await ports.stores()) {
          if (!(await drain(store, signal))) return false
          const later = await losses.tell(store, signal)
          if (later) return failed(later)
        }
        return true
      } catch {
        return signal.aborted ? false : failed({})
      }
    },
    sendLast(batch) {
      transport('/v1/events', bodyOf(batch), { keepalive: true })
        .then(answer => {
          const verdict = judge(answer, batch)
          return verdict.kind === 'judged' ? settle(ports.store, verdict.settled) : undefined
        })
        // Nobody saw an answer: the events are in the queue and are sent again.
        .catch(() => undefined)
    },
    abort() {
      controller.abort()
      controller = new AbortController()
    }
  }
}
