import type { Rule } from '../diagnosis/rule.ts'
import { highest, median, points, stretch, subjects, together, within } from './reading.ts'
import { count, time } from './words.ts'

/** A statement that runs for so long, in milliseconds, while others wait and none is free, holds up the others. */
const heldMs = 2_000

/** Stores that no request waits for work in steps of seconds, in milliseconds. */
const longStepMs = 10_000

export const poolExhausted: Rule = {
  name: 'pool-exhausted',
  about: 'Every connection to a store is taken and kept, and statements wait for one.',
  explains: ['overload', 'retry-storm', 'flood'],
  explainsOfSubject: ['store-slow'],
  lever: {
    name: 'bulkhead and statement timeout',
    action:
      'On a server: find the statement that runs (`select pid, now() - query_start, query from pg_stat_activity order by 2 desc`) and end it (`select pg_terminate_backend(PID)`); give its kind a pool of its own. An embedded store (1 of 1) cannot be asked: if `npx plimsoll status` sees no end of it, `kill -9` the platform (PID in platform.json); it starts again and loses nothing acknowledged.',
    page: 'docs/patterns/bulkhead.md'
  },
  find: timeline =>
    subjects(timeline, 'store').flatMap(name => {
      const row = (what: string) => points(timeline, `store.${name}.${what}`)
      const held = row('held')
      const full = together(row('in-use'), row('size'), (used, size) => (size > 0 && used >= size ? 1 : 0))
      const taken = together(held, full.length > 0 ? full : row('waiting'), (age, busy) => (busy > 0 ? age : 0))
      // A store that is only slow ends something in each second.
      const done = new Set(
        row('commits')
          .filter(({ value }) => value > 0)
          .map(({ at }) => at)
      )
      const still = taken.filter(({ at }) => !done.has(at))
      const found = stretch(timeline, still, age => age >= (name === 'primary' ? heldMs : longStepMs), { forMs: 1_000 })
      if (!found) return []
      const since = found.since - found.points[0]!.value
      const waiting = highest(within(row('waiting'), since))
      if (waiting < 1) return []
      const before = median(within(row('waiting'), 0, since)) ?? 0
      const oldest = highest(found.points)
      const size = row('size').at(-1)?.value
      return [
        {
          subject: name,
          title: `Every connection to the store ${name} is taken by statements that do not end`,
          evidence: [
            {
              at: since,
              text: `the longest statement has run for ${time(oldest)}`,
              series: `store.${name}.held`,
              now: oldest,
              before: median(found.before) ?? 0
            },
            {
              at: since,
              text: `${size === undefined ? 'all connections are' : `${count(size)} of ${count(size)} connections are`} in use and ${count(waiting)} statements wait; before it was ${count(before)}`,
              series: `store.${name}.waiting`,
              before,
              now: waiting
            }
          ],
          cost: `What needs the store ${name} waits until its deadline and is then refused with a time to come back. What was acknowledged is stored.`,
          since,
          ...(found.until === undefined ? {} : { until: found.until })
        }
      ]
    })
}
