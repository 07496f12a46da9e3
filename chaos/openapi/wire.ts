import { connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  headers: Map<string, string>
  body: Buffer
}

/** The server ended or cut the connection, or said nothing for too long, before its answer was whole. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** Longer than any answer may take, in milliseconds: the platform gives up at ten seconds itself. */
const patienceMs = 20_000

/**
 * One connection that says exactly the bytes it is given. An HTTP client would refuse to send most of them.
 * It connects when it must, and again after the server has ended it.
 */
export class Wire {
  readonly #host: string
  readonly #port: number
  #socket: Socket | undefined

  constructor(host: string, port: number) {
    this.#host = host
    this.#port = port
  }

  /**
   * Sends the pieces one after the other, and reads as many answers as there are methods.
   * @throws {NoAnswer} when one does not come whole
   */
  async exchange(pieces: readonly Buffer[], methods: readonly string[], halfClose = false): Promise<Answer[]> {
    const socket = this.#open()
    const answers: Answer[] = []
    let buffer: Buffer = Buffer.alloc(0)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const patience = setTimeout(() => reject(new NoAnswer('nothing for 20 s')), patienceMs)
    const read = (ended: boolean) => {
      try {
        while (answers.length < methods.length) {
          const found = readAnswer(buffer, methods[answers.length]!, ended)
          if (!found) return
          buffer = buffer.subarray(found.length)
          if (found.answer.status >= 200) answers.push(found.answer)
        }
        resolve()
      } catch (error) {
        reject(error)
      }
    }
    const onData = (data: Buffer) => {
      buffer = buffer.length === 0 ? data : Buffer.concat([buffer, data])
      read(false)
    }
    const onEnd = (how: string) => {
      read(true)
      reject(new NoAnswer(how))
    }
    const onError = (error: NodeJS.ErrnoException) => onEnd(error.code ?? error.message)
    const onClose = () => onEnd('closed')
    socket.on('data', onData).on('error', onError).on('end', onClose).on('close', onClose)
    try {
      for (const [n, piece] of pieces.entries()) {
        if (n > 0) await new Promise<void>(next => setImmediate(next))
        socket.write(piece)
      }
      if (halfClose) socket.end()
      await promise
    } catch (error) {
      this.close()
      throw error
    } finally {
      clearTimeout(patience)
      socket.off('data', onData).off('error', onError).off('end', onClose).off('close', onClose)
    }
    if (halfClose || buffer.length > 0 || answers.some(({ headers }) => headers.get('connection') === 'close'))
      this.close()
    return answers
  }

  /** Says this much and leaves. */
  async leave(bytes: Buffer): Promise<void> {
    const socket = this.#open()
    await new Promise<void>(resolve => {
      socket.once('close', () => resolve())
      socket.write(bytes, () => socket.destroy())
    })
    this.close()
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  #open(): Socket {
    if (this.#socket && !this.#socket.destroyed && this.#socket.readable && this.#socket.writable) return this.#socket
    this.close()
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true, allowHalfOpen: true })
    // Between two requests nobody else listens.
    socket.on('error', () => undefined).on('end', () => socket.destroySoon())
    this.#socket = socket
    return socket
  }
}

/** The first answer in `bytes` and how long it is, when it is there whole. `ended` when no more bytes will come. */
export function readAnswer(
  bytes: Buffer,
  method: string,
  ended: boolean
): { answer: Answer; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
  if (!(status >= 100)) throw new NoAnswer(`an answer that is not HTTP: ${first.slice(0, 80)}`)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  const from = headEnd + 4
  const whole = (body: Buffer, to: number) => ({ answer: { status, headers, body }, length: to })
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return whole(Buffer.alloc(0), from)
  const length = headers.get('content-length')
  if (length !== undefined) {
    const to = from + Number(length)
    return to <= bytes.length ? whole(bytes.subarray(from, to), to) : undefined
  }
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(bytes, from, whole)
  return ended ? whole(bytes.subarray(from), bytes.length) : undefined
}

function readChunks<T>(bytes: Buffer, from: number, whole: (body: Buffer, to: number) => T): T | undefined {
  const chunks: Buffer[] = []
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const to = lineEnd + 2 + size + 2
    if (to > bytes.length) return undefined
    if (size === 0) return whole(Buffer.concat(chunks), to)
    chunks.push(bytes.subarray(lineEnd + 2, to - 2))
    at = to
  }
}
