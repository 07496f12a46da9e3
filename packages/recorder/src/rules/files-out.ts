import type { Rule } from '../diagnosis/rule.ts'
import { begunBefore, heard, median, occurrences, points, stretch } from './reading.ts'
import { count, was } from './words.ts'

export const filesOut: Rule = {
  name: 'files-out',
  about: 'The platform has as many files and connections open as it may.',
  explains: [
    'event-loop-blocked',
    'dead-dependency',
    'hanging-dependency',
    'slow-dependency',
    'erring-dependency',
    'store-gone',
    'store-slow',
    'disk-full',
    'overload',
    'retry-storm',
    'pool-exhausted'
  ],
  lever: {
    name: 'limit of open files, and of connections',
    action:
      'Raise it for the process that runs: `prlimit --pid PID --nofile=65536` (the PID is in platform.json of the data folder), and for the next start with `ulimit -n 65536` before `npx plimsoll up`. Then find who keeps so many connections open.',
    page: 'docs/patterns/bulkhead.md'
  },
  find(timeline) {
    // From outside: a process that has no descriptor left cannot look at its own.
    const outside = points(timeline, 'platform.files.limit').length > 0
    const open = points(timeline, outside ? 'platform.files' : 'files.open')
    const limit = points(timeline, outside ? 'platform.files.limit' : 'files.limit').at(-1)?.value
    const now = heard(timeline, 'platform') ?? timeline.at
    const full =
      limit === undefined
        ? undefined
        : stretch(timeline, open, value => value >= 0.95 * limit, {
            forMs: 2_000,
            source: outside ? 'watcher' : 'platform'
          })
    const told = occurrences(timeline, 'error').filter(({ detail }) =>
      /EMFILE|ENFILE/.test(`${detail?.code} ${detail?.message}`)
    )
    const refused = told.filter(({ at }) => now - at < 10_000)
    if (!full && refused.length === 0) return []
    const since = Math.min(
      full?.since ?? Number.POSITIVE_INFINITY,
      refused[0] ? begunBefore(told, refused[0].at) : Number.POSITIVE_INFINITY
    )
    const used = (full?.points ?? open).at(-1)?.value
    const before = median(open.filter(({ at }) => at < since))
    return [
      {
        subject: 'platform',
        title: 'The platform has no file descriptor left: it can open no file and take no connection',
        evidence: [
          ...(used === undefined
            ? []
            : [
                {
                  at: since,
                  text: `${count(used)} files and connections are open${limit === undefined ? '' : ` of ${count(limit)} allowed`}${was(before === undefined ? undefined : count(before))}`,
                  series: 'files.open',
                  now: used,
                  ...(before === undefined ? {} : { before })
                }
              ]),
          ...refused.slice(-1).map(({ at, detail }) => ({
            at,
            text: `the system says: ${String(detail?.message ?? detail?.code).slice(0, 120)}`,
            series: 'error'
          }))
        ],
        cost: 'New connections wait or are not taken, and no new file can be opened. Connections that are open go on; nothing acknowledged is lost.',
        since,
        ...(full?.until === undefined ? {} : { until: full.until })
      }
    ]
  }
}
