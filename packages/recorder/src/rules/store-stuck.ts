import type { Rule } from '../diagnosis/rule.ts'
import { median, points, stretch, subjects, together, within } from './reading.ts'
import { count, time } from './words.ts'

/** Longer than the longest statement of a store that is well, in milliseconds. */
const stuckMs = 3_500

export const storeStuck: Rule = {
  name: 'store-stuck',
  about: 'A store takes statements and ends none of them: a lock, or a server that hangs.',
  explains: ['overload', 'retry-storm', 'flood', 'subscriber-slow', 'subscriber-dead', 'subscriber-poisoned'],
  explainsOfSubject: ['store-slow', 'store-gone'],
  lever: {
    name: 'deadline and statement timeout',
    action:
      'Ask the server who holds the lock: `select distinct holder.pid, holder.application_name, holder.query from pg_stat_activity waiter join pg_stat_activity holder on holder.pid = any(pg_blocking_pids(waiter.pid))`. End that one, not those who wait: `select pg_terminate_backend(PID)`. Is nobody listed, the server itself hangs: look at its disk.',
    page: 'docs/patterns/timeout-and-deadline.md'
  },
  find: timeline =>
    subjects(timeline, 'store').flatMap(name => {
      const row = (what: string) => points(timeline, `store.${name}.${what}`)
      const done = new Set(
        row('commits')
          .filter(({ value }) => value > 0)
          .map(({ at }) => at)
      )
      const free = together(row('in-use'), row('size'), (used, size) => (used > 0 && used < size ? 1 : 0))
      const held = together(row('held'), free, (age, hasFree) => (hasFree > 0 ? age : 0))
      const found = stretch(
        timeline,
        held.filter(({ at }) => !done.has(at)),
        age => age >= stuckMs,
        { forMs: 1_000, gapMs: 6_000 }
      )
      if (!found) return []
      const since = found.since - found.points[0]!.value
      const usual = median(within(row('commits'), 0, since)) ?? 0
      // One that has never much to do, and now a long piece of work.
      if (usual < 1 || row('commits').length === 0) return []
      const oldest = Math.max(...found.points.map(({ value }) => value))
      return [
        {
          subject: name,
          title: `The store ${name} takes statements and ends none: something holds a lock, or it hangs`,
          evidence: [
            {
              at: since,
              text: `the longest statement has run for ${time(oldest)}; before it was ${time(median(found.before) ?? 0)}`,
              series: `store.${name}.held`,
              before: median(found.before) ?? 0,
              now: oldest
            },
            {
              at: since,
              text: `nothing was committed since, and connections are free; before it was ${count(usual)} commits a second`,
              series: `store.${name}.commits`,
              before: usual,
              now: 0
            }
          ],
          cost: `What needs the store ${name} waits until its deadline and is then refused with a time to come back. Nothing acknowledged is lost.`,
          since,
          ...(found.until === undefined ? {} : { until: found.until })
        }
      ]
    })
}
