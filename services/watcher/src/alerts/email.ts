import { AlertNotSentError, type Channel } from './channel.ts'
import { letterOf } from './message.ts'

export interface EmailOptions {
  /** smtp://user:password@host:587 (STARTTLS where it is offered) or smtps://host:465. */
  url: string
  from: string
  /** One address, or several with commas between. */
  to: string
  /** Until it is given up, in milliseconds. Default 20,000. */
  timeoutMs?: number
  /** Only for tests: whether the certificate must be one that this machine trusts. Default true. */
  verify?: boolean
}

/**
 * Sends the message as a letter in plain text, all letters of one incident in one thread. A password is sent only over
 * TLS, save to this machine itself. The library is loaded only where this is called.
 */
export function email({ url, from, to, timeoutMs = 20_000, verify = true }: EmailOptions): Channel {
  const server = new URL(url)
  const isLocal = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(server.hostname)
  const secure = server.protocol === 'smtps:'
  const options = {
    host: server.hostname.replace(/^\[|\]$/g, ''),
    port: Number(server.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && server.username !== '' && !isLocal,
    tls: { rejectUnauthorized: verify },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(server.username && {
      auth: { user: decodeURIComponent(server.username), pass: decodeURIComponent(server.password) }
    })
  }
  // Now, and not with the first letter: to load it holds up whatever else the thread has to answer.
  const library = import('nodemailer')
  library.catch(() => undefined)
  return {
    name: 'email',
    async send(message) {
      const { createTransport } = await library
      const transport = createTransport(options)
      const { subject, text } = letterOf(message)
      const thread = `<${message.incident.id}@plimsoll>`
      const opens = message.event === 'incident.opened'
      try {
        await transport.sendMail({
          from,
          to,
          subject,
          text,
          messageId: opens ? thread : `<${message.id}@plimsoll>`,
          ...(!opens && { inReplyTo: thread, references: thread }),
          headers: { 'auto-submitted': 'auto-generated' }
        })
      } catch (error) {
        throw new AlertNotSentError(`the mail server at ${server.host} did not take it (${reasonOf(error)})`)
      } finally {
        transport.close()
      }
    }
  }
}

/** The library's code and the server's number: its text may repeat what was said to it. */
function reasonOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown }
  const parts = [code, responseCode].filter(part => typeof part === 'string' || typeof part === 'number')
  return parts.join(' ') || 'no reason given'
}
