import { type DocumentedHeaders, documentedDeadline } from '@plimsoll/http'
import { limits } from '../limits.ts'

/** Headers that every route reads. */
export const requestHeaders: DocumentedHeaders = {
  ...documentedDeadline(limits.requestMs),
  'x-plimsoll-project': {
    type: 'string',
    pattern: '^[a-z0-9][a-z0-9_-]{0,63}$',
    description: 'The project, with the admin token or when signed in. A write key names its own, whatever stands here.'
  }
}

/** Headers that the routes read besides that take a client's times. */
export const timeHeaders: DocumentedHeaders = {
  'x-sent-at': {
    type: 'string',
    format: 'date-time',
    description:
      'When the client’s clock says that it sends this, as RFC 3339 or in milliseconds since 1970: a wrong clock is corrected.'
  },
  'x-plimsoll-backfill': {
    type: 'string',
    enum: ['1'],
    description: 'Takes times that are older than the accepted lateness, from a key that may send them.'
  }
}
