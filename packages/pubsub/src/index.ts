export type { Broker, BrokerLag, Delivery, OpenOptions, Place, Position, ReplayFrom, Source } from './broker.ts'
export { type Capabilities, capabilityTable } from './capabilities.ts'
export { type DeadLetter, type DeadLetterDetail, DeadLetters, type ParkedTotals } from './consumer/dead-letters.ts'
export { type Backoff, type Fault, faultOf } from './consumer/fault.ts'
export type { Handler, HandlerContext, SubscribeOptions, SubscriptionEvent } from './consumer/settings.ts'
export type { Lag, Subscription, SubscriptionState } from './consumer/subscription.ts'
export {
  FencedError,
  HandlerTimeoutError,
  IncompatibleSchemaError,
  InvalidMessageError,
  MessageTooLargeError,
  NoDeadLetterError,
  NotConfirmedError,
  PoisonMessageError,
  PubSubError,
  SchemaViolationError,
  UndecodableError,
  UnsupportedError,
  WorldFaultError
} from './errors.ts'
export { bytesCodec, type Codec, jsonCodec } from './message/codec.ts'
export { type Envelope, fromPairs, sizeOf, toPairs } from './message/envelope.ts'
export type { Message, NewMessage } from './message/message.ts'
export { partitionOf } from './message/partition.ts'
export { type PublishOptions, PubSub, type PubSubOptions } from './pubsub.ts'
export type { Compatibility } from './schema/compatibility.ts'
export { SchemaRegistry } from './schema/registry.ts'
export type { Schema } from './schema/schema.ts'
export { type PartitionLog, positionalBroker } from './sources/positional.ts'
