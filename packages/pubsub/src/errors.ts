/** What every error of this package has: a stable `code`. */
export abstract class PubSubError extends Error {
  abstract readonly code: string
}

/** The message cannot be sent as it is. Nothing was published. */
export class InvalidMessageError extends PubSubError {
  override readonly name = 'InvalidMessageError'
  readonly code = 'PUBSUB_INVALID_MESSAGE'
}

/** The encoded data is larger than the broker takes. Nothing was published. */
export class MessageTooLargeError extends PubSubError {
  override readonly name = 'MessageTooLargeError'
  readonly code = 'PUBSUB_MESSAGE_TOO_LARGE'

  constructor(id: string, bytes: number, limit: number) {
    super(
      `message "${id}" has ${bytes} bytes and the broker takes ${limit}: keep the data elsewhere and send where it is`
    )
  }
}

/** The broker cannot do this, as its capability table says. Nothing was done. */
export class UnsupportedError extends PubSubError {
  override readonly name = 'UnsupportedError'
  readonly code = 'PUBSUB_UNSUPPORTED'
}

/** Not confirmed: the message may have been stored or not. Publish it again with the same id. */
export class NotConfirmedError extends PubSubError {
  override readonly name = 'NotConfirmedError'
  readonly code = 'PUBSUB_NOT_CONFIRMED'

  constructor(broker: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`${broker} did not confirm: ${why}. Publish again with the same ids; a subscriber handles each once.`, {
      cause
    })
  }
}

/** This consumer lost its partition, to another one or to a replay: nothing of its step was committed. */
export class FencedError extends PubSubError {
  override readonly name = 'FencedError'
  readonly code = 'PUBSUB_FENCED'

  constructor(partition: number, fence: number) {
    super(`partition ${partition} is no longer this consumer's (fence ${fence}); its transaction was rolled back`)
  }
}

/** A handler did not end in time. Its transaction was rolled back; the attempt counts. */
export class HandlerTimeoutError extends PubSubError {
  override readonly name = 'HandlerTimeoutError'
  readonly code = 'PUBSUB_HANDLER_TIMEOUT'

  constructor(limitMs: number) {
    super(`the handler did not end within ${limitMs} ms; its transaction was rolled back`)
  }
}

/**
 * A handler throws it when the message is not to blame: what it depends on is away. The subscription waits and tries the same
 * message again, and no attempt is counted.
 */
export class WorldFaultError extends PubSubError {
  override readonly name = 'WorldFaultError'
  readonly code = 'PUBSUB_WORLD_FAULT'
  /** How long to wait before the next try, in milliseconds; the subscription's own back-off when it is left out. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
  }
}

/** A handler throws it when no retry can help: the message becomes a dead letter at once. */
export class PoisonMessageError extends PubSubError {
  override readonly name = 'PoisonMessageError'
  readonly code = 'PUBSUB_POISON_MESSAGE'
}

/** No codec is known for the content type, or the bytes are not what it says. Never mended by a retry of the same bytes. */
export class UndecodableError extends PubSubError {
  override readonly name = 'UndecodableError'
  readonly code = 'PUBSUB_UNDECODABLE'
}

/** The data is not what the schema of its type and version says. */
export class SchemaViolationError extends PubSubError {
  override readonly name = 'SchemaViolationError'
  readonly code = 'PUBSUB_SCHEMA_VIOLATION'
  /** One sentence a fault, each with its place. */
  readonly faults: readonly string[]

  constructor(schema: string, faults: readonly string[]) {
    super(`the data is not a ${schema}: ${faults.join('; ')}`)
    this.faults = faults
  }
}

/** A new version of a schema would break those who read or write the one before. It was not registered. */
export class IncompatibleSchemaError extends PubSubError {
  override readonly name = 'IncompatibleSchemaError'
  readonly code = 'PUBSUB_INCOMPATIBLE_SCHEMA'
  readonly faults: readonly string[]

  constructor(schema: string, mode: string, faults: readonly string[]) {
    super(`${schema} is not ${mode} compatible with the version before: ${faults.join('; ')}`)
    this.faults = faults
  }
}

/** There is no such dead letter: it was retried, discarded, or never there. Nothing was changed. */
export class NoDeadLetterError extends PubSubError {
  override readonly name = 'NoDeadLetterError'
  readonly code = 'PUBSUB_NO_DEAD_LETTER'

  constructor(number: number) {
    super(`${number} is not a dead letter of this subscription; list them anew`)
  }
}
