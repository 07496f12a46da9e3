import type { Lever } from '../diagnosis/diagnosis.ts'
import type { Rule } from '../diagnosis/rule.ts'
import type { Point, Timeline } from '../diagnosis/timeline.ts'
import { heard, points, startsOf, within } from './reading.ts'
import { share, size, time, was } from './words.ts'

/** Parts that the last stretch is cut into: what a collection leaves behind must have risen from each to the next. */
const parts = 4
const windows = [12_000, 40_000, 180_000, 600_000]
/** Below this share of the limit there is time; it is then among the limits and no cause. */
const nearShare = 0.5
const leastRise = 0.12
/** After a start memory fills with what is kept from then on: that is no leak. In milliseconds. */
const fillsMs = 60_000

interface Climb {
  since: number
  /** Where the stretch begins that it was seen by; it may have grown before. */
  seenFrom: number
  from: number
  to: number
  limit: number
  /** In bytes a millisecond. */
  pace: number
}

/** The lowest of each part, since a heap goes up and down by its nature. */
function climb(row: readonly Point[], limit: number, now: number): Climb | undefined {
  for (const window of windows) {
    const begin = now - window
    if ((row[0]?.at ?? now) > begin + window / 6) return undefined
    const width = window / parts
    const lowest = (from: number) =>
      row
        .filter(({ at }) => at > from && at <= from + width)
        .reduce<Point | undefined>((low, point) => (low && low.value <= point.value ? low : point), undefined)
    const lows: Point[] = []
    for (let part = 0; part < parts; part++) {
      const low = lowest(begin + part * width)
      if (low) lows.push(low)
    }
    if (lows.length < parts) continue
    const [first, last] = [lows[0]!, lows.at(-1)!]
    const step = (leastRise * limit) / (4 * parts)
    const rises = lows.every(({ value }, i) => i === 0 || value > lows[i - 1]!.value + step)
    if (!rises || last.value - first.value < leastRise * limit || last.value < nearShare * limit) continue
    let begun = first
    for (let from = begin - width; ; from -= width) {
      const low = lowest(from)
      if (!low || low.value > begun.value - step) break
      begun = low
    }
    return {
      since: begun.at,
      seenFrom: first.at,
      from: begun.value,
      to: last.value,
      limit,
      pace: (last.value - first.value) / (last.at - first.at)
    }
  }
  return undefined
}

/** What the process holds beside its heap grows, or its heap in a container that is smaller than it. */
export const outsideHeap: Lever = {
  name: 'memory limit and restart',
  action:
    'Restart it now, at a time of your choosing: stop `npx plimsoll up` and start it again; nothing acknowledged is lost. Then take back the version that grows, or raise the limit of its container or machine (`docker run --memory`, MemoryMax= in its service). A larger heap (--max-old-space-size) does not help: it is the whole process that is near its limit.',
  page: 'docs/patterns/health.md'
}

const kinds: readonly { used: string; limit: string; what: string; lever?: Lever }[] = [
  { used: 'memory.heap', limit: 'memory.heap.limit', what: 'what its program holds (heap)' },
  { used: 'memory.rss', limit: 'memory.limit', what: 'the memory of its process', lever: outsideHeap }
]

function worst(timeline: Timeline): (Climb & { series: string; what: string; lever?: Lever }) | undefined {
  const now = heard(timeline, 'platform')
  if (now === undefined || timeline.at - now > 60_000) return undefined
  return kinds
    .flatMap(({ used, limit, ...kind }) => {
      const bound = points(timeline, limit).at(-1)?.value
      const found = bound === undefined ? undefined : climb(points(timeline, used), bound, now)
      return found ? [{ ...found, series: used, ...kind }] : []
    })
    .sort((a, b) => b.to / b.limit - a.to / a.limit)[0]
}

export const memoryLeak: Rule = {
  name: 'memory-leak',
  about: 'The memory of the platform grows, also after garbage was collected, and comes near its limit.',
  explains: ['event-loop-blocked', 'cpu-starved', 'overload', 'store-slow', 'slow-dependency', 'pool-exhausted'],
  lever: {
    name: 'memory limit and restart',
    action:
      'Restart it now, at a time of your choosing: stop `npx plimsoll up` and start it again; nothing acknowledged is lost. Then take back the version that grows, or give it more: NODE_OPTIONS=--max-old-space-size=MB.',
    page: 'docs/patterns/health.md'
  },
  find(timeline) {
    const found = worst(timeline)
    const start = startsOf(timeline).at(-1)
    if (!found || (start && found.seenFrom < start.ready + fillsMs)) return []
    const left = Math.max(0, found.limit - found.to) / found.pace
    const heap = found.lever && within(points(timeline, 'memory.heap'), found.since)
    return [
      {
        subject: 'platform',
        title: 'The platform’s memory grows without end and is near its limit',
        evidence: [
          {
            at: found.since,
            text: `${found.what} is ${size(found.to)}, ${share(found.to / found.limit)} of its limit; before it was ${size(found.from)}`,
            series: found.series,
            before: found.from,
            now: found.to
          },
          {
            at: found.since,
            text: `it grows by ${size(found.pace * 1_000)} a second also after collections; at this pace it is full in ${time(left)}`,
            series: found.series,
            now: found.pace * 1_000
          },
          ...(heap?.length
            ? [
                {
                  at: found.since,
                  text: `of that its heap is ${size(heap.at(-1)!.value)}${was(size(heap[0]!.value))}`,
                  series: 'memory.heap',
                  before: heap[0]!.value,
                  now: heap.at(-1)!.value
                }
              ]
            : [])
        ],
        cost: 'Nothing yet but time spent collecting garbage. When it is full the process ends and is started again; what was acknowledged is stored.',
        ...(found.lever && { lever: found.lever }),
        since: found.since
      }
    ]
  }
}
