import type { Rule } from '../diagnosis/rule.ts'
import { mean, median, occurrences, points, quantile, stretch, together, within } from './reading.ts'
import { count, share } from './words.ts'

export const flood: Rule = {
  name: 'flood',
  about: 'One project sends many times what it usually does, and others are refused with it.',
  explains: ['overload', 'store-slow', 'subscriber-slow'],
  // A process that is short of time reads answers late.
  explainsLater: ['slow-dependency', 'hanging-dependency'],
  lever: {
    name: 'rate limit and fair share',
    action:
      'Ask the owner of that project what runs; the door refuses it first, beyond its fair share. If it must stop, take its key away with `npx plimsoll keys revoke` and give a new one later with `npx plimsoll keys create`.',
    page: 'docs/patterns/rate-limit-and-load-shedding.md'
  },
  find(timeline) {
    const part = points(timeline, 'ingest.busiest')
    const refused = together(points(timeline, 'http.refused'), points(timeline, 'http.requests'), (no, all) =>
      all > 0 ? no / all : 0
    )
    const full = stretch(timeline, refused, value => value >= 0.02, { forMs: 2_000, gapMs: 4_500 })
    if (!full) return []
    const taken = median(within(part, full.since)) ?? 0
    const turnedAway = median(within(points(timeline, 'ingest.turned-away'), full.since)) ?? 0
    const now = Math.max(taken, turnedAway)
    if (now < 0.75) return []
    const usualPart = median(within(part, 0, full.since - 2_000))
    // The only one there is: it is not one among others.
    if (usualPart === undefined || usualPart > 0.9) return []
    if (now < usualPart + 0.15) return []
    // The same sent again and again is another thing than much that is new.
    const twice = mean(within(points(timeline, 'ingest.duplicate'), full.since))
    if (twice > 0.25 * (twice + mean(within(points(timeline, 'ingest.accepted'), full.since)))) return []
    const left = mean(within(points(timeline, 'http.abandoned'), full.since))
    const requests = points(timeline, 'http.requests')
    const rate = mean(within(requests, full.since))
    const usualRate = quantile(within(requests, 0, full.since - 2_000), 0.9)
    if (left > 0.25 * rate) return []
    if (usualRate !== undefined && rate < 1.3 * usualRate) return []
    const who = occurrences(timeline, 'busiest-project').at(-1)
    const project = String(who?.subject ?? who?.detail?.project ?? 'one project')
    return [
      {
        subject: project,
        title: `The project ${project} floods the platform`,
        evidence: [
          {
            at: full.since,
            text: `${project} sends ${share(now)} of all that is ${turnedAway > taken ? 'turned away' : 'taken'}; before the busiest sent ${share(usualPart)}`,
            series: turnedAway > taken ? 'ingest.turned-away' : 'ingest.busiest',
            now,
            before: usualPart
          },
          {
            at: full.since,
            text: `${share(mean(full.points))} of all requests are refused; before it was none`,
            series: 'http.refused',
            before: 0,
            now: mean(full.points)
          },
          {
            at: full.since,
            text: `${count(rate)} requests a second arrive${usualRate === undefined ? '' : `; before it was ${count(usualRate)}`}`,
            series: 'http.requests',
            now: rate,
            ...(usualRate === undefined ? {} : { before: usualRate })
          }
        ],
        cost: `What ${project} sends beyond its share is refused with a time to come back, and some of the others’ may be. Nothing acknowledged is lost.`,
        since: full.since,
        ...(full.until === undefined ? {} : { until: full.until })
      }
    ]
  }
}
