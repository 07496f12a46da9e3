import type { Rule } from '../diagnosis/rule.ts'
import { ends } from './ended.ts'
import { points, quantile, within } from './reading.ts'
import { size, was } from './words.ts'

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
      .map(({ at, readyAgain, how }) => {
        const heap = within(points(timeline, 'memory.heap'), 0, at)
        const last = heap.at(-1)?.value
        const limit = points(timeline, 'memory.heap.limit').findLast(point => point.at <= at)?.value
        const before = quantile(heap, 0.1)
        return {
          subject: 'platform',
          title: 'The platform ran out of memory and was ended',
          evidence: [
            { at, text: `${how}, for want of memory`, series: 'exit' },
            ...(last === undefined
              ? []
              : [
                  {
                    at,
                    text: `it last held ${size(last)}${limit === undefined ? '' : ` of the ${size(limit)} it may have`}${was(before === undefined ? undefined : size(before))}`,
                    series: 'memory.heap',
                    now: last,
                    ...(before === undefined ? {} : { before })
                  }
                ])
          ],
          cost:
            readyAgain === undefined
              ? 'Nothing is answered until it is up again. What was acknowledged is stored.'
              : 'It is up again; requests of the moments between were not answered. What was acknowledged is stored.',
          since: at,
          ...(readyAgain === undefined ? {} : { until: readyAgain })
        }
      })
}
