import type { Rule } from '../diagnosis/rule.ts'
import type { Point } from '../diagnosis/timeline.ts'
import { oneServer } from './one-server.ts'
import { mean, median, points, raised, subjects, within } from './reading.ts'
import { count, time, was } from './words.ts'

/** A load that grew explains commits that grew by so many times as much, and any below so many milliseconds. */
const times = 8
const mostMs = 1_000

export const storeSlow: Rule = {
  name: 'store-slow',
  about: 'A store answers each statement, and much later than usual.',
  explains: ['overload', 'retry-storm', 'flood'],
  explainsOfSubject: ['pool-exhausted'],
  lever: {
    name: 'deadline and load shedding',
    action:
      'Look at the store’s server first: its disk, its network, what else runs there. `npx plimsoll status` says how many writes wait; the door refuses what would wait too long, so nothing need be switched off here.',
    page: 'docs/patterns/timeout-and-deadline.md'
  },
  find: timeline =>
    oneServer(
      subjects(timeline, 'store').flatMap(name => {
        const commit = points(timeline, `store.${name}.commit`)
        // A request waits for the primary store; the others work in large steps of their own, which a rebuild makes larger.
        const slow = raised(timeline, commit, { floor: name === 'primary' ? 100 : 800, times: 3, gapMs: 4_500 })
        if (!slow) return []
        // The first steps after a start are large and cold, and say nothing where nobody waits for them.
        if (name !== 'primary' && slow.usual === undefined) return []
        // One statement that holds everything makes the others late too; that is another cause.
        const held = Math.max(
          0,
          ...within(points(timeline, `store.${name}.held`), slow.since).map(({ value }) => value)
        )
        if (held > 2_500 && held > 4 * slow.now) return []
        // More is written than usual: then it is the load that grew, and commits with it. In the read store subscribers write, and a
        // rebuild of its views is much for them to do.
        const growth = (written: readonly Point[]) => {
          const usually = mean(within(written, 0, slow.since - 1_000))
          return slow.usual !== undefined && usually > 0 ? mean(within(written, slow.since)) / usually : 1
        }
        const accepted = growth(points(timeline, 'ingest.accepted'))
        const ofLoad = Math.max(mostMs, times * accepted * (slow.usual ?? 0))
        if (accepted > 1.3 && (name !== 'primary' || slow.now < ofLoad)) return []
        if (
          name !== 'primary' &&
          subjects(timeline, 'subscriber').some(one => growth(points(timeline, `subscriber.${one}.rate`)) > 1.3)
        )
          return []
        const waiting = median(within(points(timeline, `store.${name}.waiting`), slow.since))
        const usual = slow.usual === undefined ? undefined : time(slow.usual)
        return [
          {
            subject: name,
            title: `The store ${name} has become slow`,
            evidence: [
              {
                at: slow.since,
                text: `a commit takes ${time(slow.now)}${was(usual)}`,
                series: `store.${name}.commit`,
                now: slow.now,
                ...(slow.usual === undefined ? {} : { before: slow.usual })
              },
              ...(waiting === undefined || waiting === 0
                ? []
                : [
                    {
                      at: slow.since,
                      text: `${count(waiting)} statements wait for it`,
                      series: `store.${name}.waiting`,
                      now: waiting
                    }
                  ])
            ],
            cost: `What needs the store ${name} is later by ${time(slow.now - (slow.usual ?? 0))} and more; what would wait too long is refused with a time to come back. Nothing acknowledged is lost.`,
            since: slow.since,
            ...(slow.until === undefined ? {} : { until: slow.until })
          }
        ]
      })
    )
}
