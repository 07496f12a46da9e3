import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { answeredWithin } from './deadline.ts'

export interface GrpcOptions {
  /** `https://…`, or `http://…` for a fake on this machine. */
  url: string
  /** A bearer token that is good now; asked for each call. */
  token?: (() => Promise<string>) | undefined
  /** How long an answer may take, in milliseconds. */
  timeoutMs: number
}

/** A call that the server refused. `status` is gRPC's own number. */
export class GrpcError extends Error {
  readonly status: number

  constructor(method: string, status: number, message: string) {
    super(`${method}: ${message || 'refused'} (status ${status})`)
    this.status = status
  }
}

/** Calls that may be open on one connection: Google's servers allow 100, and who comes later would wait for ever. */
const mostStreams = 90

/** gRPC over the HTTP/2 of Node: connections are made when they are needed, and given up when they do not answer. */
export class GrpcLine {
  #options: GrpcOptions
  #sessions = new Map<ClientHttp2Session, { streams: number; pings: NodeJS.Timeout }>()
  #closed = false

  constructor(options: GrpcOptions) {
    this.#options = options
  }

  /** One question, one answer. */
  async call(method: string, request: Buffer): Promise<Buffer> {
    const { timeoutMs } = this.#options
    let answer: Buffer = Buffer.alloc(0)
    const stream = await this.open(method, message => {
      answer = message
    })
    try {
      stream.end(request)
      await answeredWithin('Pub/Sub', timeoutMs, stream.ended)
      return answer
    } finally {
      stream.cancel()
    }
  }

  /** A call in which both sides may say more. `ended` rejects when it was refused or lost. */
  async open(method: string, onMessage: (message: Buffer) => void): Promise<GrpcStream> {
    const { url, token, timeoutMs } = this.#options
    const bearer = token && (await answeredWithin('the token', timeoutMs, token()))
    if (this.#closed) throw new Error('this connection to Pub/Sub was closed')
    const session = this.#session()
    const about = this.#sessions.get(session)!
    about.streams++
    const stream = session.request({
      ':method': 'POST',
      ':path': `/${method}`,
      ':scheme': new URL(url).protocol.slice(0, -1),
      'content-type': 'application/grpc+proto',
      te: 'trailers',
      ...(bearer && { authorization: `Bearer ${bearer}` })
    })
    stream.once('close', () => void about.streams--)
    return new GrpcStream(method, stream, onMessage)
  }

  close(): void {
    this.#closed = true
    for (const session of this.#sessions.keys()) session.destroy()
  }

  #session(): ClientHttp2Session {
    for (const [session, { streams }] of this.#sessions) {
      if (streams < mostStreams && !session.closed && !session.destroyed) return session
    }
    const { url, timeoutMs } = this.#options
    const session = connect(url, { settings: { initialWindowSize: 4_000_000 } })
    session.on('error', () => undefined)
    session.once('connect', () => session.setLocalWindowSize(16_000_000))
    session.once('goaway', () => session.close())
    // A network that swallows packets says nothing by itself.
    let unanswered = false
    const pings = setInterval(() => {
      if (unanswered) return session.destroy(new Error('Pub/Sub does not answer'))
      unanswered = true
      if (session.connecting) return
      session.ping(() => {
        unanswered = false
      })
    }, timeoutMs)
    pings.unref()
    session.once('close', () => {
      clearInterval(pings)
      this.#sessions.delete(session)
    })
    this.#sessions.set(session, { streams: 0, pings })
    return session
  }
}

export class GrpcStream {
  readonly ended: Promise<void>
  #stream: ClientHttp2Stream
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(method: string, stream: ClientHttp2Stream, onMessage: (message: Buffer) => void) {
    this.#stream = stream
    const ended = Promise.withResolvers<void>()
    this.ended = ended.promise
    ended.promise.catch(() => undefined)
    let status: number | undefined
    let said = ''
    const judge = (headers: Record<string, unknown>) => {
      if (headers['grpc-status'] === undefined) return
      status = Number(headers['grpc-status'])
      said = decodeURIComponent(String(headers['grpc-message'] ?? ''))
    }
    stream.on('response', headers => {
      judge(headers)
      const http = Number(headers[':status'])
      if (http !== 200) ended.reject(new GrpcError(method, 2, `HTTP ${http}`))
    })
    stream.on('trailers', judge)
    stream.on('data', (chunk: Buffer) => {
      try {
        this.#take(chunk, onMessage)
      } catch (error) {
        ended.reject(error)
        this.cancel()
      }
    })
    stream.on('error', error => ended.reject(error))
    stream.once('close', () => {
      if (status === 0) ended.resolve()
      else ended.reject(new GrpcError(method, status ?? 14, status === undefined ? 'the connection was lost' : said))
    })
  }

  write(message: Buffer): void {
    if (this.#stream.writable) this.#stream.write(framed(message))
  }

  end(message: Buffer): void {
    if (this.#stream.writable) this.#stream.end(framed(message))
  }

  cancel(): void {
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  /** A byte that says that nothing is compressed, the length, the message. */
  #take(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes >= 5) {
      if (this.#chunks[0]!.length < 5) this.#chunks = [Buffer.concat(this.#chunks)]
      const first = this.#chunks[0]!
      const end = 5 + first.readUInt32BE(1)
      if (first[0] !== 0) throw new Error('the answer is compressed, which was not asked for')
      if (this.#bytes < end) return
      const all = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks)
      const rest = all.subarray(end)
      this.#chunks = rest.length > 0 ? [rest] : []
      this.#bytes = rest.length
      onMessage(all.subarray(5, end))
    }
  }
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}
