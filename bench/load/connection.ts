import { connect, type Socket } from 'node:net'

export interface Answered {
  status: number
  body: Buffer
}

/**
 * One keep-alive connection that sends prepared HTTP/1.1 requests, one at a time. It parses only what it must, so that
 * the generator takes little from the two cores it shares with what it measures.
 */
export class Connection {
  #socket: Socket
  #buffered: Buffer = Buffer.alloc(0)
  #answered: ((answered: Answered) => void) | undefined
  #failed: ((error: Error) => void) | undefined
  #dead: Error | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#read(chunk as Buffer))
    const fail = (error: Error) => {
      this.#dead ??= error
      this.#failed?.(this.#dead)
    }
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the connection was closed')))
  }

  static open(host: string, port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket))
      })
    })
  }

  /** False when the next request needs another connection. */
  get usable(): boolean {
    return this.#dead === undefined
  }

  send(request: string | Buffer): Promise<Answered> {
    if (this.#dead) return Promise.reject(this.#dead)
    return new Promise((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
      this.#socket.write(request)
    })
  }

  #read(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk])
    const end = this.#buffered.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#buffered.toString('latin1', 0, end)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)
    const total = end + 4 + Number(length?.[1] ?? 0)
    if (this.#buffered.length < total) return
    const body = this.#buffered.subarray(end + 4, total)
    // Said, and not always done by the other side: what is sent after it is refused.
    const last = /\r\nconnection: *close/i.test(head)
    this.#buffered = this.#buffered.subarray(total)
    const answered = this.#answered
    this.#answered = undefined
    this.#failed = undefined
    if (last) {
      this.#dead = new Error('the connection was closed')
      this.#socket.destroy()
    }
    answered?.({ status: Number(head.slice(9, 12)), body })
  }

  close(): void {
    this.#socket.destroy()
  }
}
