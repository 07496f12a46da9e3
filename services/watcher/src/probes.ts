import { Agent, get } from 'node:http'

/** A probe that has not been answered after so long has no answer, in milliseconds. */
const patienceMs = 2_000

/** Who is asked, as the last part of a series `probe.*`. */
type Target = 'health' | 'ready' | 'main'

/**
 * Asks the platform's endpoints once a second, each when the last answer has come or was given up. What counts is that it
 * is answered, and when; what it says of itself it records itself.
 */
export class Probes {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 3, timeout: patienceMs })
  readonly #asking = new Set<Target>()
  readonly #answers = new Map<Target, number>()

  /** The answers since the last look, and the next questions. */
  read(addresses: { url: string; healthUrl: string } | undefined): Record<string, number> {
    const values = Object.fromEntries([...this.#answers].map(([target, ms]) => [`probe.${target}`, ms]))
    this.#answers.clear()
    if (addresses) {
      this.#ask('health', `${addresses.healthUrl}/health`)
      this.#ask('ready', `${addresses.healthUrl}/ready`)
      this.#ask('main', `${addresses.url}/probe`)
    }
    return values
  }

  #ask(target: Target, url: string): void {
    if (this.#asking.has(target)) return
    this.#asking.add(target)
    const began = performance.now()
    const request = get(url, { agent: this.#agent, signal: AbortSignal.timeout(patienceMs) }, response => {
      this.#answers.set(target, performance.now() - began)
      response.resume()
    })
    request.on('error', () => undefined)
    request.on('close', () => this.#asking.delete(target))
  }
}
