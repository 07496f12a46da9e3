import type { Message } from './message.ts'

/** A way out of the house. */
export interface Channel {
  name: string
  /** Resolves once it was taken. Gives up by itself, in seconds. */
  send(message: Message): Promise<void>
}

/** It was not taken. The text names no secret: neither an address with its password nor what was sent. */
export class AlertNotSentError extends Error {
  override readonly name = 'AlertNotSentError'
  readonly code = 'PLIMSOLL_ALERT_NOT_SENT'
}
