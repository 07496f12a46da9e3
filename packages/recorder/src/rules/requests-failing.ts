import type { Rule } from '../diagnosis/rule.ts'
import { mean, occurrences, points, stretch, sum, together, within } from './reading.ts'
import { count, share } from './words.ts'

/** Of the requests so many must fail. Who is refused with a time to come back (429, 503) has not failed. */
const failingPart = 0.05
/** Fewer requests than this are chance. */
const fewRequests = 20

export const requestsFailing: Rule = {
  name: 'requests-failing',
  about: 'Requests fail with an error of the platform’s own, and no other rule knows why.',
  explains: [],
  isSymptomOfAll: true,
  lever: {
    name: 'read the log, and roll back',
    action:
      'Read what the platform prints (stderr of `npx plimsoll up`, at logLevel error or more): each such error is there with its place. Then take back what was changed last: the version (`git checkout` of the one before, `npm ci`, `npx plimsoll up`) or a setting (`npx plimsoll config`). Nothing acknowledged is lost by a restart.',
    page: 'docs/architecture.md'
  },
  find(timeline) {
    const requests = points(timeline, 'http.requests')
    const failures = points(timeline, 'http.failed')
    // In a quiet hour a request comes now and then: seconds without one say nothing.
    const part = together(failures, requests, (bad, all) => (all > 0 ? bad / all : -1)).filter(
      ({ value }) => value >= 0
    )
    const found = stretch(timeline, part, value => value >= failingPart, {
      forMs: 5_000,
      gapMs: 10_000,
      toldMs: 15_000
    })
    if (!found) return []
    const { since, until } = found
    const all = sum(within(requests, since, until))
    const failed = sum(within(failures, since, until))
    if (all < fewRequests || failed < failingPart * all) return []
    const usual = within(failures, 0, since - 1_000)
    const before = mean(usual) / Math.max(1, mean(within(requests, 0, since - 1_000)))
    // A refusal is an error as well, with a code that clients know; one of our own has the name of its kind.
    const last = occurrences(timeline, 'error').findLast(
      ({ at, subject, detail }) => at >= since - 2_000 && subject === 'http' && !/^[a-z_]+$/.test(String(detail?.code))
    )
    return [
      {
        subject: 'platform',
        title: 'Requests fail with an error of the platform’s own, and it is not known why',
        evidence: [
          {
            at: since,
            text: `${share(failed / all)} of the requests fail (5xx), ${count(failed)} of ${count(all)}${usual.length === 0 ? '' : `; before it was ${share(before)}`}`,
            series: 'http.failed',
            now: failed / all,
            ...(usual.length === 0 ? {} : { before })
          },
          ...(last
            ? [
                {
                  at: last.at,
                  text: `the last such error: ${`${last.detail?.code} ${last.detail?.message}`.slice(0, 140)}`,
                  series: 'error'
                }
              ]
            : [])
        ],
        cost: 'Who sent these requests has no answer that helps. What they brought was not acknowledged and can be sent again; what was acknowledged is stored.',
        since,
        ...(until === undefined ? {} : { until })
      }
    ]
  }
}
