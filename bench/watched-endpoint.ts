/** Asks one address again and again while something else goes on, and remembers how that went. */
export interface Watched {
  asked: number
  /** Answers that were not 2xx, or none at all. */
  failed: number
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

/** Starts asking; `stop` ends it and tells. One question at a time: a hanging answer counts with all of its time. */
export function watchEndpoint(url: string | (() => string), options: WatchOptions): { stop(): Promise<Watched> } {
  const times: number[] = []
  let failed = 0
  const stopped = new AbortController()
  const loop = async () => {
    while (!stopped.signal.aborted) {
      const startedAt = performance.now()
      try {
        const response = await fetch(typeof url === 'string' ? url : url(), {
          headers: options.headers ?? {},
          signal: AbortSignal.timeout(10_000)
        })
        const text = await response.text()
        times.push(performance.now() - startedAt)
        if (response.ok) options.onAnswer?.(JSON.parse(text))
        else if (!options.accept?.includes(response.status)) failed++
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
      times.sort((a, b) => a - b)
      const at = (q: number) =>
        Math.round((times[Math.min(times.length - 1, Math.floor(times.length * q))] ?? 0) * 100) / 100
      return { asked: times.length, failed, p50: at(0.5), p99: at(0.99), max: at(1) }
    }
  }
}
