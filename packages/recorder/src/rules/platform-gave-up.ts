import type { Rule } from '../diagnosis/rule.ts'
import type { Timeline } from '../diagnosis/timeline.ts'
import type { Occurrence } from '../record.ts'
import { afterAnEnd, ends, lately, readyAfter, reasonOf } from './ended.ts'
import { count, time } from './words.ts'

/** A start that was refused is told for so long, in milliseconds, as an end is. */
const toldMs = 60_000

export const platformGaveUp: Rule = {
  name: 'platform-gave-up',
  about: 'The platform ended itself, or would not start, and said why.',
  explains: afterAnEnd,
  lever: {
    name: 'do what it says',
    action:
      'Mend what it names; its log has it in full. While the watcher runs it starts the platform again by itself, within ten seconds; else `npx plimsoll up`.',
    page: 'docs/patterns/health.md'
  },
  find(timeline) {
    const all = ends(timeline).filter(({ forMemory, said }) => !forMemory && said)
    const end = all.at(-1)
    const refused = refusedOfLate(timeline)
    const said = refused && refused.at > (end?.at ?? 0) ? refused : end?.said
    if (!said) return []
    // Without an exit it was refused before there was a process to end.
    const exit = said === end?.said ? end : undefined
    const readyAgain = readyAfter(timeline, exit?.at ?? said.at)
    const isStart = said.name === 'refused-to-start'
    const since = exit ? Math.min(said.at, all[0]!.at) : said.at
    return [
      {
        subject: 'platform',
        title: `The platform ${isStart ? 'would not start' : 'ended itself'}: ${reasonOf(said)}`,
        evidence: [
          {
            at: said.at,
            text: `${isStart ? 'it refused to start' : 'it said'}: ${reasonOf(said)}`,
            series: said.name
          },
          ...(exit
            ? [
                {
                  at: exit.at,
                  text: `then ${exit.how}${all.length > 1 ? `; ${count(all.length)} times within ${time(exit.at - all[0]!.at)}` : ''}`,
                  series: 'exit',
                  now: all.length
                }
              ]
            : [])
        ],
        cost:
          readyAgain === undefined
            ? 'Nothing is answered until it is up again. What was acknowledged is stored; clients send the rest again.'
            : `It was up again after ${time(readyAgain - since)}; requests of that time were not answered. What was acknowledged is stored.`,
        since,
        ...(readyAgain === undefined ? {} : { until: readyAgain })
      }
    ]
  }
}

/** The last start that was refused, where it is not over for long. */
function refusedOfLate(timeline: Timeline): Occurrence | undefined {
  const refused = lately(timeline, 'refused-to-start').at(-1)
  if (!refused) return undefined
  const ready = readyAfter(timeline, refused.at)
  return ready !== undefined && timeline.at - ready > toldMs ? undefined : refused
}
