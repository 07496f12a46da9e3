import type { Timeline } from '../diagnosis/timeline.ts'
import type { Occurrence } from '../record.ts'
import { occurrences, points } from './reading.ts'

/** An end of the platform that nobody planned. */
export interface Ended {
  exit: Occurrence
  at: number
  /** Absent while it is not ready again. */
  readyAgain?: number
  forMemory: boolean
  how: string
}

/** An end is told for so long, in milliseconds: who is called out of bed comes later than it. */
const toldMs = 60_000

/** The unplanned ends in the recent window, oldest first. */
export function ends(timeline: Timeline): Ended[] {
  const asked = [
    ...occurrences(timeline, 'signal'),
    // It also closes, as well as it can, when a store is gone.
    ...occurrences(timeline, 'close').filter(({ detail }) => /^SIG|stopped|watcher/.test(String(detail?.why)))
  ]
  return occurrences(timeline, 'exit').flatMap(exit => {
    if (timeline.at - exit.at > toldMs) return []
    const { code, signal } = exit.detail ?? {}
    const planned = asked.some(({ at }) => at <= exit.at + 1_000 && exit.at - at < 60_000)
    if (planned && signal !== 'SIGKILL') return []
    if (code === 0 && !signal) return []
    const ready = occurrences(timeline, 'ready').find(({ at }) => at > exit.at)
    return [
      {
        exit,
        at: exit.at,
        ...(ready ? { readyAgain: ready.at } : {}),
        forMemory: exit.detail?.['killed-for-memory'] === true || heapWasFull(timeline, exit),
        how: signal ? `it was ended by ${signal}` : `it ended by itself with code ${code}`
      }
    ]
  })
}

/** V8 ends a process whose heap is full by SIGABRT, or with code 134 under a shell. */
function heapWasFull(timeline: Timeline, { at, detail }: Occurrence): boolean {
  if (detail?.signal !== 'SIGABRT' && detail?.signal !== 'SIGTRAP' && detail?.code !== 134) return false
  const last = (name: string) => points(timeline, name).findLast(point => point.at <= at)?.value
  const heap = last('memory.heap')
  const limit = last('memory.heap.limit')
  return heap !== undefined && limit !== undefined && heap >= 0.5 * limit
}
