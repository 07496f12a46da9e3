/** Resident memory of the platform, asked now and then of its own `/metrics`. */
export class Memory {
  readonly #samples: { at: number; bytes: number }[] = []
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async sample(at: number): Promise<void> {
    const metrics = await (await fetch(`${this.#url}/metrics`, { signal: AbortSignal.timeout(10_000) })).text()
    const bytes = Number(/^process_resident_memory_bytes (\d+)$/m.exec(metrics)?.[1])
    if (bytes > 0) this.#samples.push({ at, bytes })
  }

  /** The median of each tenth of the run, in MB. */
  tenths(seconds: number): number[] {
    return Array.from({ length: 10 }, (_, n) =>
      Math.round(this.between((n * seconds) / 10, ((n + 1) * seconds) / 10) / 1e6)
    )
  }

  /** The median between two moments, in bytes: one moment alone is before or after a collection of garbage. */
  between(from: number, to: number): number {
    const found = this.#samples.filter(({ at }) => at >= from && at <= to).map(({ bytes }) => bytes)
    return found.sort((a, b) => a - b)[Math.floor(found.length / 2)] ?? Number.NaN
  }
}
