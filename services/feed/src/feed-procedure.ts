import { bulkProcedure } from '@plimsoll/pubsub/bulk'
import { addActivity } from './store.ts'

export default bulkProcedure({ handle: addActivity })
