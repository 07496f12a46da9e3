import type { Diagnosis, Finding } from '../diagnosis/diagnosis.ts'
import type { Timeline } from '../diagnosis/timeline.ts'
import type { Occurrence } from '../record.ts'
import { occurrences, points } from './reading.ts'

/** What is wrong while a process that ended starts again, whyever it ended. */
export const afterAnEnd: readonly string[] = [
  'overload',
  'retry-storm',
  'event-loop-blocked',
  'slow-dependency',
  'store-slow',
  'subscriber-slow',
  'subscriber-dead',
  'broker-gone'
]

/** An end of the platform that nobody planned. */
export interface Ended {
  exit: Occurrence
  at: number
  /** Absent while it is not ready again. */
  readyAgain?: number
  forMemory: boolean
  how: string
  /** Its own last words: why it closed, or why it would not start. Absent where it had none. */
  said?: Occurrence
}

/** An end is told for so long after the platform is back, in milliseconds: who is called out of bed comes later than it. */
const toldMs = 60_000
/** How long before its end a run says that it ends: it finishes what it has begun. In milliseconds. */
const lastWordsMs = 60_000
/** A second process may write a little later what it saw before, in milliseconds. */
const lateMs = 1_000

/** The unplanned ends of late, oldest first: those since which it is not ready again, or not for long. */
export function ends(timeline: Timeline): Ended[] {
  const exits = lately(timeline, 'exit')
  return exits.flatMap((exit, index) => {
    const { code, signal } = exit.detail ?? {}
    if (code === 0 && !signal) return []
    const words = wordsBefore(timeline, exit, exits[index - 1])
    // One that was told to stop and takes too long is ended by its watcher: that is a stop all the same.
    if (words.some(isAsked)) return []
    const readyAgain = readyAfter(timeline, exit.at)
    if (readyAgain !== undefined && timeline.at - readyAgain > toldMs) return []
    const said = words.findLast(({ name, source }) => name === 'refused-to-start' || source === 'platform')
    return [
      {
        exit,
        at: exit.at,
        ...(readyAgain === undefined ? {} : { readyAgain }),
        forMemory: exit.detail?.['killed-for-memory'] === true || heapWasFull(timeline, exit),
        how: signal ? `it was ended by ${signal}` : `it ended by itself with code ${code}`,
        ...(said ? { said } : {})
      }
    ]
  })
}

/** When the platform was ready for the first time after a moment. */
export function readyAfter(timeline: Timeline, at: number): number | undefined {
  const ready = lately(timeline, 'ready').find(one => one.at > at)
  // One whose own black box cannot be written says nothing itself.
  return ready?.at ?? points(timeline, 'platform.phase').find(one => one.at > at && one.value === 1)?.at
}

/** What the platform says of its end, or the watcher of its start. */
export const reasonOf = ({ detail }: Occurrence): string => String(detail?.why ?? '').slice(0, 160)

/** Of what lies farther back than the usual window only a part is read: what came after it is not known. */
export const lately = (timeline: Timeline, name: string): Occurrence[] =>
  occurrences(timeline, name).filter(({ at }) => at > timeline.usual.from)

/** What was said of the end of the run that this exit ended, oldest first. */
function wordsBefore(timeline: Timeline, exit: Occurrence, exitBefore: Occurrence | undefined): Occurrence[] {
  const starts = lately(timeline, 'start').filter(({ source }) => source === 'platform')
  const begun = Math.max(exitBefore ? exitBefore.at + 1 : 0, starts.findLast(({ at }) => at <= exit.at)?.at ?? 0)
  const over = Math.min(exit.at + lateMs, starts.find(({ at }) => at > exit.at)?.at ?? Number.POSITIVE_INFINITY)
  return ['signal', 'close', 'refused-to-start']
    .flatMap(name => lately(timeline, name))
    .filter(({ at }) => at >= begun && at <= over && exit.at - at < lastWordsMs)
    .sort((a, b) => a.at - b.at)
}

/** It also closes, as well as it can, when a store is gone: nobody asked for that. */
function isAsked({ name, detail }: Occurrence): boolean {
  return name === 'signal' || (name === 'close' && /^SIG|stopped|watcher/.test(String(detail?.why)))
}

/** V8 ends a process whose heap is full by SIGABRT, or with code 134 under a shell. */
function heapWasFull(timeline: Timeline, { at, detail }: Occurrence): boolean {
  if (detail?.signal !== 'SIGABRT' && detail?.signal !== 'SIGTRAP' && detail?.code !== 134) return false
  const last = (name: string) => points(timeline, name).findLast(point => point.at <= at)?.value
  const heap = last('memory.heap')
  const limit = last('memory.heap.limit')
  return heap !== undefined && limit !== undefined && heap >= 0.5 * limit
}

/** The rules that tell of an end that nobody asked for; the evidence that is the end itself has the series `exit`. */
const tellOfEnds: ReadonlySet<string> = new Set(['both-ended', 'out-of-memory', 'platform-gave-up', 'platform-killed'])

/**
 * The cause that is an end nobody asked for, or that one follows from, and when the platform ended for the last time. Also
 * one that is over: it is told for a minute, and whoever looks only now and then must not miss it.
 */
export function unaskedEnd({ causes }: Pick<Diagnosis, 'causes'>): { cause: Finding; at: number } | undefined {
  return causes
    .flatMap(cause => endsIn(cause).map(at => ({ cause, at })))
    .toSorted((a, b) => b.at - a.at)
    .at(0)
}

function endsIn({ rule, evidence, symptoms }: Finding): number[] {
  const own = tellOfEnds.has(rule) ? evidence.filter(({ series }) => series === 'exit').map(({ at }) => at) : []
  return [...own, ...symptoms.flatMap(endsIn)]
}
