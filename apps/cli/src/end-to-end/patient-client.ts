import { setTimeout as sleep } from 'node:timers/promises'

export interface Answered<T> {
  status: number
  headers: Headers
  body: T
}

const worthAnotherTry = new Set([408, 429, 503])

/**
 * A client as the contract asks for one: what got no answer, or was told to come back, is sent again, the same to the
 * letter, until it is answered. Any other refusal is an error.
 */
export class PatientClient {
  readonly #url: string
  readonly #key: string
  /** Requests that were sent again. */
  retries = 0

  constructor(url: string, key: string) {
    this.#url = url
    this.#key = key
  }

  async post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered<T>> {
    const text = JSON.stringify(body)
    const until = performance.now() + 60_000
    for (;;) {
      const answered = await this.#try<T>(path, text, headers)
      if (!(answered instanceof Error)) return answered
      if (performance.now() > until) throw answered
      this.retries++
      await sleep(60)
    }
  }

  async #try<T>(path: string, body: string, headers: Record<string, string>): Promise<Answered<T> | Error> {
    let response: Response
    let text: string
    try {
      response = await fetch(this.#url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json', ...headers },
        body,
        signal: AbortSignal.timeout(10_000)
      })
      text = await response.text()
    } catch (error) {
      return error as Error
    }
    if (response.ok) return { status: response.status, headers: response.headers, body: JSON.parse(text) as T }
    const refusal = new Error(`POST ${path}: ${response.status} ${text}`)
    if (worthAnotherTry.has(response.status)) return refusal
    throw refusal
  }
}
