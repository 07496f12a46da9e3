import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { Loss } from './loss.ts'

export interface PullConsumer {
  readonly name: string
  /** Messages that it has not sent, as was last heard. */
  readonly pending: number
}

/** The few requests of JetStream's API that are needed, as its own documents (ADR-1, ADR-13) have them. */
export class JetStream {
  #connection: NatsConnection
  #timeoutMs: number
  /** What was asked when the connection is lost is not answered, and what is asked until it is back neither. */
  #loss = new Loss()

  constructor(connection: NatsConnection, timeoutMs: number) {
    this.#connection = connection
    this.#timeoutMs = timeoutMs
    void this.#watch()
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') this.#loss.lose(new Error('the connection to NATS is lost'))
      if (type === 'reconnect') this.#loss.mend()
    }
  }

  #request(subject: string, data: string | Uint8Array, headers?: MsgHdrs): Promise<Msg> {
    // Nothing is sent that would wait for the connection: it would be published after its publisher was told that it is not.
    if (this.#loss.isLost) return this.#loss.orLost(new Promise(() => undefined))
    const options = { timeout: this.#timeoutMs, ...(headers && { headers }) }
    return this.#loss.orLost(this.#connection.request(subject, data, options))
  }

  /** Makes a stream unless it is there. Resolves with its subjects. */
  async stream(
    name: string,
    options: { subjects: string[]; dedupeWindowMs: number; replicas: number }
  ): Promise<string[]> {
    const known = await this.#ask<StreamInfo>(`STREAM.INFO.${name}`).catch(notFound)
    if (known) return known.config.subjects
    const config = {
      name,
      subjects: options.subjects,
      retention: 'limits',
      storage: 'file',
      discard: 'new',
      num_replicas: options.replicas,
      duplicate_window: options.dedupeWindowMs * 1e6,
      max_consumers: -1,
      max_msgs: -1,
      max_bytes: -1
    }
    const made = await this.#ask<StreamInfo>(`STREAM.CREATE.${name}`, config).catch(async error => {
      // Another one was faster, perhaps with another number of partitions.
      const theirs = await this.#ask<StreamInfo>(`STREAM.INFO.${name}`).catch(() => undefined)
      if (theirs) return theirs
      throw error
    })
    return made.config.subjects
  }

  async ping(): Promise<void> {
    await this.#ask('INFO')
  }

  async lastSequence(stream: string): Promise<number> {
    return (await this.#ask<StreamInfo>(`STREAM.INFO.${stream}`)).state.last_seq
  }

  /** A pull consumer that is forgotten when nobody asks it for a minute. */
  async consumer(
    stream: string,
    subject: string,
    from: { sequence: number } | { time: number }
  ): Promise<PullConsumer> {
    const start =
      'sequence' in from
        ? { deliver_policy: 'by_start_sequence', opt_start_seq: from.sequence }
        : { deliver_policy: 'by_start_time', opt_start_time: new Date(from.time).toISOString() }
    const config = {
      ...start,
      ack_policy: 'none',
      replay_policy: 'instant',
      filter_subject: subject,
      inactive_threshold: 60e9,
      mem_storage: true,
      num_replicas: 1
    }
    const made = await this.#ask<{ name: string; num_pending: number }>(`CONSUMER.CREATE.${stream}`, {
      stream_name: stream,
      config
    })
    return { name: made.name, pending: made.num_pending }
  }

  forget(stream: string, consumer: string): void {
    this.#connection.publish(`$JS.API.CONSUMER.DELETE.${stream}.${consumer}`)
  }

  /** `limit` messages, or none when there are none now. Must not be asked for more than are known to be there, or than one. */
  async pull(stream: string, consumer: string, limit: number): Promise<Msg[]> {
    const inbox = createInbox()
    const { promise, resolve, reject } = Promise.withResolvers<Msg[]>()
    const messages: Msg[] = []
    const subscription = this.#connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error) return reject(error)
        const code = message.headers?.code ?? 0
        // 404 and 408: there is no more. Anything else that is a status is a refusal.
        if (code === 404 || code === 408) return resolve(messages)
        if (code > 0) return reject(new Error(`JetStream answers ${code} ${message.headers?.description ?? ''}`))
        messages.push(message)
        if (messages.length === limit) resolve(messages)
      }
    })
    const timer = setTimeout(
      () => reject(new Error(`NATS did not answer within ${this.#timeoutMs} ms`)),
      this.#timeoutMs
    )
    try {
      const request = JSON.stringify({ batch: limit, no_wait: true })
      this.#connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, { reply: inbox })
      return await this.#loss.orLost(promise)
    } finally {
      clearTimeout(timer)
      subscription.unsubscribe()
    }
  }

  /** Resolves when the stream has it, or had it already within its window. */
  async publish(subject: string, data: Uint8Array, headers: MsgHdrs): Promise<void> {
    const answer = await this.#request(subject, data, headers)
    const { error } = answer.json<{ error?: ApiError }>()
    if (error) throw new JetStreamError(error)
  }

  async #ask<T>(subject: string, body?: unknown): Promise<T> {
    const request = body === undefined ? '' : JSON.stringify(body)
    const answer = await this.#request(`$JS.API.${subject}`, request)
    const said = answer.json<T & { error?: ApiError }>()
    if (said.error) throw new JetStreamError(said.error)
    return said
  }
}

interface StreamInfo {
  config: { subjects: string[] }
  state: { last_seq: number }
}

interface ApiError {
  code: number
  description: string
}

class JetStreamError extends Error {
  readonly code: number
  constructor({ code, description }: ApiError) {
    super(`JetStream: ${description}`)
    this.code = code
  }
}

function notFound(error: unknown): undefined {
  if (error instanceof JetStreamError && error.code === 404) return
  throw error
}
