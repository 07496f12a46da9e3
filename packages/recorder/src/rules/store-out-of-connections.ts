import type { Rule } from '../diagnosis/rule.ts'
import { storeErrors, wordsOf } from './store-errors.ts'
import { count } from './words.ts'

const isIt = (code: string, message: string) =>
  code === '53300' || /too many (clients|connections)|remaining connection slots/i.test(message)

export const storeOutOfConnections: Rule = {
  name: 'store-out-of-connections',
  about: 'The server of a store takes no more connections.',
  explains: ['overload', 'subscriber-poisoned', 'subscriber-slow', 'subscriber-dead', 'retry-storm'],
  explainsOfSubject: ['store-gone', 'pool-exhausted', 'store-slow'],
  lever: {
    name: 'bulkhead',
    action:
      'Ask the server who holds its connections (`select application_name, count(*) from pg_stat_activity group by 1`) and end the idle ones, or raise max_connections; give each program a pool that is its part.',
    page: 'docs/patterns/bulkhead.md'
  },
  find: timeline =>
    storeErrors(timeline, isIt).map(({ store, since, until, count: times, last }) => ({
      subject: store,
      title: `The server of the store ${store} has no connection left to give`,
      evidence: [
        { at: last.at, text: `it answered: ${wordsOf(last)}`, series: 'error' },
        {
          at: since,
          text: `${count(times)} such errors so far; before it was none`,
          series: 'error',
          before: 0,
          now: times
        }
      ],
      cost: 'New events wait on the disk and are written later; what must read the store now is refused. Nothing acknowledged is lost.',
      since,
      ...(until === undefined ? {} : { until })
    }))
}
