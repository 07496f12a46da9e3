import type { Evidence, Lever } from '../diagnosis/diagnosis.ts'
import type { Rule } from '../diagnosis/rule.ts'
import type { Timeline } from '../diagnosis/timeline.ts'
import { ends } from './ended.ts'
import { highest, points, quantile, within } from './reading.ts'
import { size, was } from './words.ts'

/** The kernel sees the whole process; its heap may be far from its own limit then. */
export const killedForMemory: Lever = {
  name: 'memory limit and restart',
  action:
    'The watcher has started it again, which buys time. It came to the limit of its container or machine before that of its heap, so a larger heap makes it worse. Raise that limit (`docker run --memory`, MemoryMax= in its service), end what else takes memory (`ps aux --sort=-rss`), or lower the heap: NODE_OPTIONS=--max-old-space-size=MB.',
  page: 'docs/patterns/health.md'
}

/** The process is smaller already while it is being ended: its last seconds count, in milliseconds. */
const lastMs = 5_000

export const outOfMemory: Rule = {
  name: 'out-of-memory',
  about: 'The platform was ended because it had no memory left.',
  explains: [
    'memory-leak',
    'event-loop-blocked',
    'platform-killed',
    'overload',
    'store-slow',
    'retry-storm',
    'cpu-starved',
    'slow-dependency',
    'pool-exhausted'
  ],
  explainsEarlier: ['memory-leak', 'event-loop-blocked', 'store-slow', 'cpu-starved', 'slow-dependency'],
  lever: {
    name: 'memory limit and restart',
    action:
      'The watcher has started it again, which buys time. Take back the version that grows, or give it more memory: NODE_OPTIONS=--max-old-space-size=MB before `npx plimsoll up`. `npx plimsoll status` says whether it is well.',
    page: 'docs/patterns/health.md'
  },
  find: timeline =>
    ends(timeline)
      .filter(({ forMemory }) => forMemory)
      .slice(-1)
      .map(({ at, exit, readyAgain, how }) => {
        const byKernel = exit.detail?.['killed-for-memory'] === true
        return {
          subject: 'platform',
          title: byKernel
            ? 'The system ended the platform because memory ran out'
            : 'The platform ran out of memory and was ended',
          evidence: [
            { at, text: `${how}, for want of memory`, series: 'exit' },
            ...(byKernel ? memoryAt(timeline, at, exit.detail?.memory) : heapAt(timeline, at))
          ],
          cost:
            readyAgain === undefined
              ? 'Nothing is answered until it is up again. What was acknowledged is stored.'
              : 'It is up again; requests of the moments between were not answered. What was acknowledged is stored.',
          ...(byKernel && { lever: killedForMemory }),
          since: at,
          ...(readyAgain === undefined ? {} : { until: readyAgain })
        }
      })
}

/** What its heap held, against what the program may have. */
function heapAt(timeline: Timeline, at: number): Evidence[] {
  const heap = within(points(timeline, 'memory.heap'), 0, at)
  const last = heap.at(-1)?.value
  if (last === undefined) return []
  const limit = points(timeline, 'memory.heap.limit').findLast(point => point.at <= at)?.value
  const before = quantile(heap, 0.1)
  return [
    {
      at,
      text: `it last held ${size(last)}${limit === undefined ? '' : ` of the ${size(limit)} it may have`}${was(before === undefined ? undefined : size(before))}`,
      series: 'memory.heap',
      now: last,
      ...(before === undefined ? {} : { before })
    }
  ]
}

/** What its process held, against what its container or the machine has, and what was left of that. */
function memoryAt(timeline: Timeline, at: number, outside: unknown): Evidence[] {
  const rss = within(points(timeline, 'memory.rss'), 0, at)
  const last = highest([
    ...within(rss, at - lastMs),
    ...within(points(timeline, 'platform.rss'), at - lastMs, at),
    ...(typeof outside === 'number' ? [{ at, value: outside }] : [])
  ])
  const limit = points(timeline, 'memory.limit').findLast(point => point.at <= at)?.value
  const before = quantile(rss, 0.1)
  const left = within(points(timeline, 'memory.available'), at - lastMs, at).at(-1)?.value
  return [
    ...(last === 0
      ? []
      : [
          {
            at,
            text: `its process last held ${size(last)}${limit === undefined ? '' : ` of the ${size(limit)} that its container or machine has`}${was(before === undefined ? undefined : size(before))}`,
            series: 'memory.rss',
            now: last,
            ...(before === undefined ? {} : { before })
          }
        ]),
    ...(left === undefined
      ? []
      : [{ at, text: `${size(left)} were left for all programs`, series: 'memory.available', now: left }])
  ]
}
