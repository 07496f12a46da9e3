import type { Rule } from '../diagnosis/rule.ts'
import type { Timeline } from '../diagnosis/timeline.ts'
import { lostStore } from './lost-store.ts'
import { oneServer } from './one-server.ts'
import { occurrences, points, stretch, subjects, within } from './reading.ts'
import { storeErrors, wordsOf } from './store-errors.ts'
import { count, time } from './words.ts'

/** SQLSTATE class 08 and 57P, and what the system says of an address where nobody answers. */
const isGone = (code: string, message: string) =>
  /^08|^57P/.test(code) || /ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENOTFOUND|Connection terminated/.test(code + message)

export const storeGone: Rule = {
  name: 'store-gone',
  about: 'A store cannot be reached at all.',
  explains: [
    'platform-gave-up',
    'overload',
    'subscriber-poisoned',
    'subscriber-slow',
    'subscriber-dead',
    'retry-storm'
  ],
  explainsOfSubject: ['pool-exhausted', 'store-slow'],
  lever: {
    name: 'queue (spool) and replica',
    action:
      'Start the server of the store again, or point databaseUrl to a replica that took over (`npx plimsoll config` prints the address in force). What waits on the disk is written by itself when it is back.',
    page: 'docs/patterns/timeout-and-deadline.md'
  },
  find(timeline) {
    const lost = lostStore(timeline)
    const gone = oneServer(
      subjects(timeline, 'store').flatMap(name => {
        const up = points(timeline, `store.${name}.up`)
        // Two seconds in a row: one question that got lost is no outage.
        const away = stretch(timeline, up, value => value === 0, { forMs: 2_000, gapMs: 3_500 })
        const told = occurrences(timeline, 'store').filter(one => one.subject === name)
        if (!away || isClosing(timeline, away.since)) return []
        const errors = storeErrors(timeline, isGone).find(({ store }) => store === name)
        const why = told.findLast(({ at, detail }) => at >= away.since - 2_000 && detail?.why)?.detail?.why
        const spooled = within(points(timeline, 'spool.events'), away.since).at(-1)?.value ?? 0
        const end = away.until ?? timeline.at
        return [
          {
            subject: name,
            title: `The store ${name} cannot be reached`,
            evidence: [
              {
                at: away.since,
                text: `it has not answered for ${time(Math.max(1_000, end - away.since))}; before it did`,
                series: `store.${name}.up`,
                before: 1,
                now: 0
              },
              ...(errors
                ? [{ at: errors.last.at, text: `asked, it says: ${wordsOf(errors.last)}`, series: 'error' }]
                : []),
              ...(!errors && why ? [{ at: away.since, text: String(why).slice(0, 120), series: 'store' }] : []),
              ...(spooled > 0
                ? [
                    {
                      at: away.since,
                      text: `${count(spooled)} events wait on the disk for it`,
                      series: 'spool.events',
                      before: 0,
                      now: spooled
                    }
                  ]
                : [])
            ],
            cost:
              name === 'read'
                ? 'Dashboards give their last good answer with its age; counting of new events waits. Nothing is lost.'
                : 'New events are taken onto the disk and written when it is back; sessions cannot be read. Nothing acknowledged is lost.',
            since: away.since,
            ...(away.until === undefined ? {} : { until: away.until })
          }
        ]
      })
    )
    // A platform that ends itself closes its stores: what is away from then on is not gone by itself.
    return [...lost, ...gone.filter(one => lost.every(({ since }) => one.since < since - 2_000))]
  }
}

/** A platform that was told to stop closes its stores: they are not gone. One that closes for want of a store was not told. */
function isClosing(timeline: Timeline, since: number): boolean {
  const told = [
    ...occurrences(timeline, 'close').filter(({ detail }) => /^SIG|stopped|watcher/.test(String(detail?.why))),
    ...occurrences(timeline, 'signal')
  ].findLast(({ at }) => at <= since + 1_500)
  return told !== undefined && !occurrences(timeline, 'start').some(({ at }) => at > told.at && at <= since)
}
