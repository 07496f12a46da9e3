export { type MemoryStoreOptions, memoryStore } from './adapters/memory.ts'
export { type Answer, type AnswerHeaders, type HandlerAnswer, REPLAYED_HEADERS } from './answer.ts'
export {
  AnswerTooLargeError,
  IdempotencyError,
  IdempotencyInFlightError,
  IdempotencyKeyInvalidError,
  IdempotencyKeyMissingError,
  IdempotencyKeyReusedError,
  LeaseLostError
} from './errors.ts'
export {
  type Idempotent,
  type IdempotentHandler,
  type IdempotentRequest,
  type IdempotentResult,
  idempotent,
  type RunContext
} from './idempotent.ts'
export { readIdempotencyKey } from './key.ts'
export type { Clock, IdempotentOptions } from './settings.ts'
export type { Claim, IdempotencyStore, Lease, Reservation, Scope } from './store.ts'
