import type { Rule } from '../diagnosis/rule.ts'
import { refusingStores } from './store-errors.ts'

const isIt = (code: string, message: string) =>
  code === '53100' || code === '58030' || (/no space left|disk full|ENOSPC/i.test(message) && /^\d|^XX/.test(code))

export const storeOutOfSpace: Rule = {
  name: 'store-out-of-space',
  about: 'The disk of a store is full: it reads and cannot write.',
  explains: ['overload', 'subscriber-poisoned', 'subscriber-slow', 'subscriber-dead', 'retry-storm'],
  explainsOfSubject: ['store-gone', 'store-slow', 'pool-exhausted'],
  lever: {
    name: 'disk space',
    action:
      'Make room on the disk of the server of that store, or give it a larger one; `npx plimsoll config` says which server it is (databaseUrl). Its message names the file: one under pg_tblspc is of a tablespace, with a disk of its own. So that it does not come again, keepEventsDays lets old events go.',
    page: 'docs/patterns/rate-limit-and-load-shedding.md'
  },
  find: timeline =>
    refusingStores(timeline, isIt, {
      title: store => `The disk of the store ${store} is full`,
      cost: 'Writes fail there and wait on our own disk until there is room; reading goes on. Nothing acknowledged is lost.'
    })
}
