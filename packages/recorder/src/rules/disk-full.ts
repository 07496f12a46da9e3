import type { Rule } from '../diagnosis/rule.ts'
import { begunBefore, heard, median, occurrences, points, stretch, sum, within } from './reading.ts'
import { count, size, was } from './words.ts'

/** Less than this left, in bytes, and nothing of use can be written; a small disk is full at a hundredth of it. */
const nothingLeft = 20e6

export const diskFull: Rule = {
  name: 'disk-full',
  about: 'The disk under the data folder is full.',
  explains: [
    'store-gone',
    'store-out-of-space',
    'store-slow',
    'overload',
    'subscriber-poisoned',
    'subscriber-slow',
    'subscriber-dead',
    'platform-killed',
    'pool-exhausted',
    'retry-storm'
  ],
  lever: {
    name: 'disk space',
    action:
      'Make room on the disk of the data folder (`df -h`, `du -xh DIR | sort -h | tail`; `npx plimsoll config` prints where it is), or stop the platform, copy the folder to a larger disk and start there with --data. Delete nothing of the folder itself.',
    page: 'docs/patterns/rate-limit-and-load-shedding.md'
  },
  find(timeline) {
    const free = points(timeline, 'disk.free')
    const total = points(timeline, 'disk.total').at(-1)?.value
    const bound = total === undefined ? nothingLeft : Math.min(nothingLeft, Math.max(1e6, total / 100))
    const source = timeline.recent.series('disk.free', 'platform').length > 0 ? 'platform' : 'watcher'
    const full = stretch(timeline, free, value => value <= bound, { forMs: 1_000, source })
    const now = heard(timeline, 'platform') ?? timeline.at
    const told = occurrences(timeline, 'error').filter(({ detail }) =>
      /ENOSPC|EDQUOT/.test(`${detail?.code} ${detail?.message}`)
    )
    const refused = told.filter(({ at }) => now - at < 15_000)
    if (!full && refused.length === 0) return []
    const since = Math.min(
      full?.since ?? Number.POSITIVE_INFINITY,
      refused[0] ? begunBefore(told, refused[0].at) : Number.POSITIVE_INFINITY
    )
    const left = full ? full.points.at(-1)!.value : (free.at(-1)?.value ?? 0)
    const usual = median(within(free, 0, since - 1_000))
    const failed = sum(within(points(timeline, 'spool.failed'), since))
    return [
      {
        subject: 'disk',
        title: 'The disk under the data folder is full',
        evidence: [
          {
            at: since,
            text: `${size(left)} are free${total === undefined ? '' : ` of ${size(total)}`}${was(usual === undefined ? undefined : size(usual))}`,
            series: 'disk.free',
            now: left,
            ...(usual === undefined ? {} : { before: usual })
          },
          ...(failed > 0
            ? [
                {
                  at: since,
                  text: `${count(failed)} writes to the spool failed`,
                  series: 'spool.failed',
                  before: 0,
                  now: failed
                }
              ]
            : []),
          ...refused.slice(-1).map(({ at, detail }) => ({
            at,
            text: `the system says: ${String(detail?.message ?? detail?.code).slice(0, 120)}`,
            series: 'error'
          }))
        ],
        cost: 'New events that must be written to this disk are refused with a time to come back. What was acknowledged is on it, and stays.',
        since,
        ...(full?.until !== undefined && refused.every(({ at }) => at <= full.until!) ? { until: full.until } : {})
      }
    ]
  }
}
