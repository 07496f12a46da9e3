import { bulkProcedure } from '@plimsoll/pubsub/bulk'
import { billEntries } from './store.ts'

export default bulkProcedure({ handle: billEntries })
