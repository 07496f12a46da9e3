import type { Rule } from '../diagnosis/rule.ts'
import { afterAnEnd, ends } from './ended.ts'
import { points } from './reading.ts'
import { count, size, time } from './words.ts'

export const platformKilled: Rule = {
  name: 'platform-killed',
  about: 'The platform’s process ended and nobody had asked it to.',
  explains: ['store-gone', ...afterAnEnd],
  lever: {
    name: 'restart by the watcher',
    action:
      'Wait: the watcher starts it again by itself. If it does not come back, `npx plimsoll up` shows why. Kills for want of memory are in `journalctl -k`; a person or a script that sends a signal leaves no trace there, so ask who was at the machine.',
    page: 'docs/patterns/health.md'
  },
  find(timeline) {
    // One that said why is another matter.
    const all = ends(timeline).filter(({ forMemory, said }) => !forMemory && !said)
    const end = all.at(-1)
    if (!end) return []
    const rss = points(timeline, 'memory.rss').findLast(({ at }) => at <= end.at)
    const uptime = end.exit.detail?.uptime
    return [
      {
        subject: 'platform',
        title: `The platform’s process ${end.readyAgain === undefined ? 'is dead' : 'died'}: ${end.how}`,
        evidence: [
          {
            at: end.at,
            text: `${end.how}${typeof uptime === 'number' ? ` after ${time(uptime)}` : ''}, and nobody had told it to stop`,
            series: 'exit',
            now: all.length
          },
          ...(all.length > 1
            ? [
                {
                  at: all[0]!.at,
                  text: `${count(all.length)} times within ${time(end.at - all[0]!.at)}`,
                  series: 'exit'
                }
              ]
            : []),
          ...(rss
            ? [{ at: rss.at, text: `it last held ${size(rss.value)} of memory`, series: 'memory.rss', now: rss.value }]
            : [])
        ],
        cost:
          end.readyAgain === undefined
            ? 'Nothing is answered until it is up again. What was acknowledged is stored; clients send the rest again.'
            : `It was up again after ${time(end.readyAgain - end.at)}; requests of that time were not answered. What was acknowledged is stored.`,
        since: all[0]!.at,
        ...(end.readyAgain === undefined ? {} : { until: end.readyAgain })
      }
    ]
  }
}
