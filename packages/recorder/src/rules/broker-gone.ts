import type { Rule } from '../diagnosis/rule.ts'
import { median, points, stretch, subjects } from './reading.ts'
import { count, time } from './words.ts'

export const brokerGone: Rule = {
  name: 'broker-gone',
  about: 'The broker that carries events to their subscribers cannot be reached.',
  explains: ['subscriber-slow', 'subscriber-dead'],
  lever: {
    name: 'queue (outbox)',
    action:
      'Start the broker again, or point the platform to one that runs (`npx plimsoll config` prints the address in force). Events wait in the log and are carried on by themselves; switch nothing off.',
    page: 'docs/patterns/pubsub.md'
  },
  find: timeline =>
    subjects(timeline, 'broker').flatMap(name => {
      const up = points(timeline, `broker.${name}.up`)
      const away = stretch(timeline, up, value => value === 0, { forMs: 3_000, gapMs: 3_500 })
      if (!away) return []
      const behind = points(timeline, `broker.${name}.behind`)
      const waiting = behind.at(-1)?.value
      const before = median(behind.filter(({ at }) => at < away.since))
      return [
        {
          subject: name,
          title: `The broker ${name} cannot be reached`,
          evidence: [
            {
              at: away.since,
              text: `it has not answered for ${time(Math.max(1_000, (away.until ?? timeline.at) - away.since))}; before it did`,
              series: `broker.${name}.up`,
              before: 1,
              now: 0
            },
            ...(waiting === undefined
              ? []
              : [
                  {
                    at: away.since,
                    text: `${count(waiting)} messages wait for it`,
                    series: `broker.${name}.behind`,
                    now: waiting,
                    ...(before === undefined ? {} : { before })
                  }
                ])
          ],
          cost: 'Subscribers hear of new events later. Taking events and the dashboards go on; nothing is lost, since the log keeps all.',
          since: away.since,
          ...(away.until === undefined ? {} : { until: away.until })
        }
      ]
    })
}
