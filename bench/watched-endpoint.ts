import { Connection } from './load/connection.ts'

/** Asks one address again and again while something else goes on, and remembers how that went. */
export interface Watched {
  asked: number
  /** Answers that were not 2xx, or none at all. */
  failed: number
  /** Of the answers, those that were not 2xx but are accepted. */
  refused: number
  p50: number
  p99: number
  max: number
}

export interface WatchOptions {
  everyMs: number
  headers?: Record<string, string>
  /** Sees each 2xx answer's body. */
  onAnswer?(body: unknown): void
  /** Statuses that count as an answer, beside 2xx. */
  accept?: number[]
}

const patienceMs = 10_000

/**
 * Asks on a connection of its own that parses only what it must: beside a load on the same two cores, a full client's own
 * work would be a good part of the figure.
 */
class Asker {
  readonly #headers: string
  #connection: Connection | undefined

  constructor(headers: Record<string, string>) {
    this.#headers = Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('')
  }

  async ask(address: string): Promise<{ status: number; body: Buffer }> {
    const { hostname, port, host, pathname, search } = new URL(address)
    const late = setTimeout(() => this.close(), patienceMs)
    try {
      if (!this.#connection?.usable) this.#connection = await Connection.open(hostname, Number(port))
      return await this.#connection.send(`GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\n${this.#headers}\r\n`)
    } catch (error) {
      this.close()
      throw error
    } finally {
      clearTimeout(late)
    }
  }

  close(): void {
    this.#connection?.close()
    this.#connection = undefined
  }
}

/** Starts asking; `stop` ends it and tells. One question at a time: a hanging answer counts with all of its time. */
export function watchEndpoint(url: string | (() => string), options: WatchOptions): { stop(): Promise<Watched> } {
  const times: number[] = []
  let failed = 0
  let refused = 0
  const stopped = new AbortController()
  const asker = new Asker(options.headers ?? {})
  const loop = async () => {
    while (!stopped.signal.aborted) {
      const startedAt = performance.now()
      try {
        const { status, body } = await asker.ask(typeof url === 'string' ? url : url())
        times.push(performance.now() - startedAt)
        if (status >= 200 && status < 300) options.onAnswer?.(JSON.parse(body.toString('utf8')))
        else if (options.accept?.includes(status)) refused++
        else failed++
      } catch {
        times.push(performance.now() - startedAt)
        failed++
      }
      const rest = options.everyMs - (performance.now() - startedAt)
      if (rest > 0) await new Promise(resolve => setTimeout(resolve, rest))
    }
  }
  const running = loop()
  return {
    async stop() {
      stopped.abort()
      await running
      asker.close()
      times.sort((a, b) => a - b)
      const at = (q: number) =>
        Math.round((times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? 0) * 100) / 100
      return { asked: times.length, failed, refused, p50: at(0.5), p99: at(0.99), max: at(1) }
    }
  }
}
