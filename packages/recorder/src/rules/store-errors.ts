import type { Found } from '../diagnosis/causes.ts'
import type { Timeline } from '../diagnosis/timeline.ts'
import type { Occurrence } from '../record.ts'
import { oneServer } from './one-server.ts'
import { heard, occurrences, subjects } from './reading.ts'
import { count } from './words.ts'

/** What a store answered with an error of one class, as a stretch of time. */
export interface StoreErrors {
  store: string
  since: number
  until?: number
  count: number
  last: Occurrence
}

/** How long after the last error it is taken to go on, in milliseconds: a breaker or a spool asks only now and then. */
const goesOnMs = 8_000
const toldMs = 20_000

/** Errors of stores whose code, or whose message, is of a class; by store. */
export function storeErrors(timeline: Timeline, is: (code: string, message: string) => boolean): StoreErrors[] {
  const stores = subjects(timeline, 'store')
  const found = new Map<string, StoreErrors>()
  const now = Math.max(heard(timeline, 'platform') ?? 0, heard(timeline, 'watcher') ?? 0) || timeline.at
  for (const one of occurrences(timeline, 'error')) {
    const { code, message, where, count } = one.detail ?? {}
    if (!is(String(code ?? ''), String(message ?? ''))) continue
    const named = [one.subject, where].map(String).find(text => stores.includes(text))
    const store = named ?? stores[0] ?? 'primary'
    const known = found.get(store)
    const times = typeof count === 'number' ? count : 1
    // An earlier trouble that was over is another one.
    if (known && one.at - known.last.at < 30_000) {
      known.count += times
      known.last = one
    } else found.set(store, { store, since: one.at, count: times, last: one })
  }
  return [...found.values()].flatMap(errors => {
    const age = now - errors.last.at
    if (age > toldMs) return []
    return [{ ...errors, ...(age > goesOnMs ? { until: errors.last.at } : {}) }]
  })
}

/** A store, or all of one server, that refuses what it is asked with errors of a class. */
export const refusingStores = (
  timeline: Timeline,
  is: (code: string, message: string) => boolean,
  { title, cost }: { title(store: string): string; cost: string }
): Found[] =>
  oneServer(
    storeErrors(timeline, is).map(({ store, since, until, count: times, last }) => ({
      subject: store,
      title: title(store),
      evidence: [
        { at: last.at, text: `it answered: ${wordsOf(last)}`, series: 'error' },
        {
          at: since,
          text: `${count(times)} such errors so far; before it was none`,
          series: 'error',
          before: 0,
          now: times
        }
      ],
      cost,
      since,
      ...(until === undefined ? {} : { until })
    }))
  )

export const wordsOf = ({ detail }: Occurrence): string =>
  `${detail?.code ? `${detail.code} ` : ''}${String(detail?.message ?? '')}`.slice(0, 120)
