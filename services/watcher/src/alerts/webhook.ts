import { createHmac } from 'node:crypto'
import { AlertNotSentError, type Channel } from './channel.ts'

export interface WebhookOptions {
  /** http:// or https://; a user and a password in it are sent as Basic authorization. */
  url: string
  /** Signs each message. `whsec_` and base64, or any text. */
  secret: string
  /** Until it is given up, in milliseconds. Default 10,000. */
  timeoutMs?: number
  /** The time of day, in milliseconds since 1970. Default `Date.now`. */
  now?(): number
}

/**
 * POSTs the message as JSON, signed as Standard Webhooks has it (standardwebhooks.com): HMAC-SHA256 over id, timestamp and
 * body, so that a receiver knows who sent it, when, and whether it has it already. Redirects are not followed.
 */
export function webhook({ url, secret, timeoutMs = 10_000, now = Date.now }: WebhookOptions): Channel {
  const target = new URL(url)
  const { username, password } = target
  target.username = ''
  target.password = ''
  const authorization =
    username || password
      ? `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
      : undefined
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret)
  return {
    name: 'webhook',
    async send(message) {
      const body = JSON.stringify(message)
      const timestamp = Math.floor(now() / 1_000)
      const signature = createHmac('sha256', key).update(`${message.id}.${timestamp}.${body}`).digest('base64')
      let response: Response
      try {
        response = await fetch(target, {
          method: 'POST',
          redirect: 'manual',
          headers: {
            'content-type': 'application/json',
            'user-agent': 'plimsoll-watcher',
            'webhook-id': message.id,
            'webhook-timestamp': String(timestamp),
            'webhook-signature': `v1,${signature}`,
            ...(authorization && { authorization })
          },
          body,
          signal: AbortSignal.timeout(timeoutMs)
        })
      } catch (error) {
        throw new AlertNotSentError(`the webhook at ${target.host} did not answer (${reasonOf(error)})`)
      }
      // What it says is not read: it may be without an end.
      await response.body?.cancel().catch(() => undefined)
      if (!response.ok) throw new AlertNotSentError(`the webhook at ${target.host} answered ${response.status}`)
    }
  }
}

/** A code, and never a text that could hold an address. */
function reasonOf(error: unknown): string {
  const { name, cause } = error as { name?: string; cause?: { code?: unknown } }
  return typeof cause?.code === 'string' ? cause.code : name === 'TimeoutError' ? 'timeout' : 'no connection'
}
