import { sumOf } from './books.ts'
import type { Answer, Clock, Counts, Report, Store, Transport } from './ports.ts'

/** Counts what was lost, durably where it can, and tells the server. */
export interface Losses {
  count(reason: string): void
  /** Delivers what is counted in a store, and what no store would keep. Resolves to the answer that asks for later. */
  tell(store: Store, signal: AbortSignal): Promise<Answer | undefined>
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

  const post = (report: Report, signal: AbortSignal) => transport('/v1/losses', JSON.stringify(report), { signal })
  /** An older service, or a report that it does not understand: kept, and no reason to send events any slower. */
  const isDeaf = ({ status }: Answer) => status >= 400 && status < 500 && status !== 408 && status !== 429

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
        const answer = await post(held, signal)
        if (answer.status !== 200) return isDeaf(answer) ? undefined : answer
        held = undefined
      }
      for (;;) {
        const report = await from.report(newId()).catch(() => undefined)
        if (!report) return undefined
        const answer = await post(report, signal)
        if (answer.status !== 200) return isDeaf(answer) ? undefined : answer
        if (signal.aborted) return undefined
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
