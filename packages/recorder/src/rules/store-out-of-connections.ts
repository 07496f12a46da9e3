import type { Rule } from '../diagnosis/rule.ts'
import { refusingStores } from './store-errors.ts'

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
      'Ask the server who holds its connections, as its superuser, for whom some are kept free (`sudo -u postgres psql`): `select application_name, usename, count(*) from pg_stat_activity group by 1, 2 order by 3 desc`. End the idle ones of whoever has most (`pg_terminate_backend`); then give each program a pool that is its part, or raise max_connections, which needs a restart of the server.',
    page: 'docs/patterns/bulkhead.md'
  },
  find: timeline =>
    refusingStores(timeline, isIt, {
      title: store => `The server of the store ${store} has no connection left to give`,
      cost: 'New events wait on the disk and are written later; what must read the store now is refused. Nothing acknowledged is lost.'
    })
}
