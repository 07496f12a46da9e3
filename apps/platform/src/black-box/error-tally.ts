/** An error that was met, and how often in this second. */
interface Met {
  where: string
  code: string
  message: string
  count: number
}

/** Kinds of errors told apart in a second. A storm has few kinds. */
const most = 8

export class ErrorTally {
  readonly #met = new Map<string, Met>()

  add(where: string, error: unknown): void {
    const { code, name, message } = error instanceof Error ? (error as Error & { code?: unknown }) : asError(error)
    const kind = typeof code === 'string' || typeof code === 'number' ? String(code) : name
    const key = `${where} ${kind}`
    const known = this.#met.get(key)
    if (known) known.count++
    else if (this.#met.size < most) this.#met.set(key, { where, code: kind, message, count: 1 })
  }

  take(): Met[] {
    const met = [...this.#met.values()]
    this.#met.clear()
    return met
  }
}

const asError = (thrown: unknown) => ({ code: undefined, name: 'Error', message: String(thrown) })
