import { sumOf } from './books.ts'
import type { Clock, Counts, Report, Store, Transport } from './ports.ts'

/** Counts what was lost, durably where it can, and tells the server. */
export interface Losses {
  count(reason: string): void
  /** Delivers what is counted in a store, and what no store would keep. Resolves to false when that failed. */
  tell(store: Store, signal: AbortSignal): Promise<boolean>
  /** What no store has. */
  unsaved(): Counts
  forget(): void
}

export interface LossesOptions {
  clock: Clock
  store: Store
  transport: Transport
  newId(): string
}

/** Keeps counts in memory only while the store takes nothing: what failed to be stored must still be told. */
export function createLosses({ clock, store, transport, newId }: LossesOptions): Losses {
  let unsaved: Counts = {}
  let since = ''
  let held: Report | undefined
  const now = () => new Date(clock.wallNow()).toISOString()

  const save = async () => {
    const counts = unsaved
    unsaved = {}
    if (Object.keys(counts).length === 0) return
    try {
      await store.lose(counts)
    } catch {
      unsaved = sumOf(unsaved, counts)
    }
  }

  const post = async (report: Report, signal: AbortSignal) => {
    const { status } = await transport('/v1/losses', JSON.stringify(report), { signal })
    // One that is malformed will never be taken; it must not stand in the way of those after it.
    return status === 200 || status === 400 || status === 422
  }

  return {
    count(reason) {
      since ||= now()
      unsaved = sumOf(unsaved, { [reason]: 1 })
      void save()
    },
    async tell(from, signal) {
      await save()
      if (!held && Object.keys(unsaved).length > 0) {
        held = { id: newId(), since, until: now(), losses: unsaved }
        unsaved = {}
        since = ''
      }
      if (held) {
        if (!(await post(held, signal))) return false
        held = undefined
      }
      for (;;) {
        const report = await from.report(newId()).catch(() => undefined)
        if (!report) return true
        if (!(await post(report, signal))) return false
        if (signal.aborted) return false
        await from.acknowledge(report.id)
      }
    },
    unsaved: () => sumOf(held?.losses ?? {}, unsaved),
    forget() {
      unsaved = {}
      held = undefined
    }
  }
}
