import type { Rule } from '../diagnosis/rule.ts'
import { mean, points, stretch, sum, together, within } from './reading.ts'
import { count, share, time } from './words.ts'

export const overload: Rule = {
  name: 'overload',
  about: 'More is offered than can be written, and part of it is refused.',
  explains: ['subscriber-slow'],
  // A process that is short of time reads answers late.
  explainsLater: ['slow-dependency', 'hanging-dependency'],
  lever: {
    name: 'load shedding, then shards',
    action:
      'Nothing at once: what is refused says when to come back, and clients do. If it is an import, run it when it is quiet or send larger batches; if it is every day, give the store a server (`npx plimsoll up --database-url`).',
    page: 'docs/patterns/rate-limit-and-load-shedding.md'
  },
  find(timeline) {
    const requests = points(timeline, 'http.requests')
    const refusals = points(timeline, 'http.refused')
    const part = together(refusals, requests, (no, all) => (all >= 5 ? no / all : 0))
    const full = stretch(timeline, part, value => value >= 0.05, { forMs: 4_000, gapMs: 4_500 })
    if (!full) return []
    const refused = sum(within(refusals, full.since, full.until))
    const all = Math.max(1, sum(within(requests, full.since, full.until)))
    const before = mean(within(requests, 0, full.since - 1_000))
    const written = mean(within(points(timeline, 'ingest.accepted'), full.since, full.until))
    const commit = mean(within(points(timeline, 'store.primary.commit'), full.since, full.until))
    return [
      {
        subject: 'platform',
        title: 'More is offered than can be written, and part of it is refused',
        evidence: [
          {
            at: full.since,
            text: `${share(refused / all)} of the requests are refused with a time to come back; before it was none`,
            series: 'http.refused',
            before: 0,
            now: refused / all
          },
          {
            at: full.since,
            text: `${count(mean(within(requests, full.since, full.until)))} requests a second arrive; before it was ${count(before)}`,
            series: 'http.requests',
            before,
            now: mean(within(requests, full.since, full.until))
          },
          {
            at: full.since,
            text: `${count(written)} events a second are written${commit > 0 ? `, a commit takes ${time(commit)}` : ''}`,
            series: 'ingest.accepted',
            now: written
          }
        ],
        cost: 'Part of what is offered is refused with a time to come back; what is taken is taken in time, and nothing acknowledged is lost.',
        since: full.since,
        ...(full.until === undefined ? {} : { until: full.until })
      }
    ]
  }
}
