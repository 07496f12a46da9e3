export { type Lanes, lanesOf } from './parked.ts'
export { type BulkHandler, BulkPoisonError, bulkProcedure } from './procedure.ts'
export { LogSubscriber, type LogSubscriberOptions, type LogSubscriberState } from './subscriber.ts'
