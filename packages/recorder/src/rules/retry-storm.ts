import type { Rule } from '../diagnosis/rule.ts'
import { mean, points, quantile, stretch, together, within } from './reading.ts'
import { count, share } from './words.ts'

export const retryStorm: Rule = {
  name: 'retry-storm',
  about:
    'Clients send again what they sent already, at once and many times, and so make the load that they suffer from.',
  explains: ['overload', 'store-slow', 'flood'],
  // A process that is short of time reads answers late.
  explainsLater: ['slow-dependency', 'hanging-dependency'],
  lever: {
    name: 'retry with back-off, jitter and a budget',
    action:
      'Let clients wait longer for each try and honour Retry-After (the SDK does: `@plimsoll/sdk`); raise their timeout above our slowest answer. Each event is counted once however often it comes, so nothing need be mended here.',
    page: 'docs/patterns/retry.md'
  },
  find(timeline) {
    const accepted = points(timeline, 'ingest.accepted')
    const duplicate = points(timeline, 'ingest.duplicate')
    const again = together(duplicate, accepted, (twice, once) => (twice + once >= 20 ? twice / (twice + once) : 0))
    const requests = points(timeline, 'http.requests')
    // Who hangs up and sends again: what they sent before may be written meanwhile, or never have been read.
    const left = together(points(timeline, 'http.abandoned'), requests, (gone, all) =>
      gone >= 20 ? gone / Math.max(gone, all) : 0
    )
    const found =
      stretch(timeline, again, part => part >= 0.25, { forMs: 3_000, gapMs: 3_500 }) ??
      stretch(timeline, left, part => part >= 0.25, { forMs: 3_000, gapMs: 3_500 })
    if (!found) return []
    const abandoned = mean(within(left, found.since, found.until))
    const now = mean(within(requests, found.since, found.until))
    const usual = quantile(within(requests, 0, found.since - 1_000), 0.9)
    const part = mean(within(again, found.since, found.until))
    const before = mean(within(again, 0, found.since - 1_000))
    // An import that is run a second time is all duplicates, and one calm client.
    if (usual !== undefined && now < 1.3 * usual && Math.max(part, abandoned) < 0.4) return []
    if (abandoned < 0.25 && before > part / 2) return []
    // Clients that are answered in time and taken do not send again for want of an answer.
    const row = (what: string) => points(timeline, `http.${what}`)
    const during = (what: string) => mean(within(row(what), found.since, found.until))
    const usually = (what: string) => quantile(within(row(what), 0, found.since - 1_000), 0.9) ?? 0
    const waits = during('running') >= 3 * Math.max(8, usually('running'))
    const late = during('p99') >= Math.max(200, 3 * usually('p99'))
    if (abandoned < 0.25 && !waits && !late && during('refused') < 0.02 * now) return []
    return [
      {
        subject: 'clients',
        title: 'Clients send everything again and again: a storm of retries',
        evidence: [
          ...(abandoned < 0.05
            ? []
            : [
                {
                  at: found.since,
                  text: `${share(abandoned)} of the clients hang up before they are answered`,
                  series: 'http.abandoned',
                  before: mean(within(left, 0, found.since - 1_000)),
                  now: abandoned
                }
              ]),
          {
            at: found.since,
            text: `${share(part)} of what arrives was sent before; usually it is ${share(before)}`,
            series: 'ingest.duplicate',
            before,
            now: part
          },
          {
            at: found.since,
            text: `${count(now)} requests a second arrive${usual === undefined ? '' : `; before it was ${count(usual)}`}`,
            series: 'http.requests',
            now,
            ...(usual === undefined ? {} : { before: usual })
          }
        ],
        cost: 'Capacity is spent on what was done already, and part of the new may be refused. Nothing is counted twice and nothing acknowledged is lost.',
        since: found.since,
        ...(found.until === undefined ? {} : { until: found.until })
      }
    ]
  }
}
