import { existsSync } from 'node:fs'
import { DataDirectory } from '@plimsoll/platform/local'
import { CommandError } from './exit-codes.ts'

export interface ClientOptions {
  data: string
  project: string
}

/** A refusal by the platform, in its own words. */
export class AnsweredError extends CommandError {
  readonly status: number
  readonly code: string
  /** Seconds the server asks to wait, when it says so. */
  readonly retryAfter: number | undefined
  constructor(status: number, code: string, detail: string, retryAfter: number | undefined) {
    super(`${status} ${code}: ${detail}`)
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
  }
}

/** Talks to the platform that runs on this machine, found by its data folder, with the local admin token. */
export class Client {
  readonly url: string
  readonly directory: DataDirectory
  #project: string

  constructor({ data, project }: ClientOptions) {
    const addresses = existsSync(data) ? new DataDirectory(data).readAddresses() : undefined
    if (!addresses)
      throw new CommandError(
        `no platform has run in ${data}; start one with \`npm start\`, or name its folder with --data`
      )
    this.directory = new DataDirectory(data)
    this.url = addresses.url
    this.#project = project
  }

  async request<T>(
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string>; timeoutMs?: number } = {}
  ): Promise<T> {
    // The address may have changed with a restart.
    const url = this.directory.readAddresses()?.url ?? this.url
    let response: Response
    let text: string
    try {
      response = await fetch(url + path, {
        method,
        headers: {
          authorization: `Bearer ${this.directory.adminToken}`,
          'x-plimsoll-project': this.#project,
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        signal: AbortSignal.timeout(options.timeoutMs ?? 30_000)
      })
      // An answer can break off in its middle, when the platform ends.
      text = await response.text()
    } catch (error) {
      throw new CommandError(
        `the platform at ${url} does not answer (${(error as Error).message}); is it running? \`npx plimsoll status\` says`
      )
    }
    const answer = text === '' ? undefined : (JSON.parse(text) as unknown)
    if (response.ok) return answer as T
    const { code = 'error', detail = text } = (answer ?? {}) as { code?: string; detail?: string }
    const retryAfter = Number(response.headers.get('retry-after'))
    throw new AnsweredError(
      response.status,
      code,
      detail,
      Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : undefined
    )
  }

  get<T>(path: string): Promise<T> {
    return this.request<T>('GET', path)
  }
}
