import { noteServerDate, serverNow } from './server-clock.ts'

/** A refusal by the platform (RFC 9457), or no answer at all (`status` 0, code `unreachable`). */
export class ApiProblem extends Error {
  override name = 'ApiProblem'
  readonly status: number
  readonly code: string
  /** Milliseconds the platform asked us to stay away; absent when it named none. */
  readonly retryAfterMs: number | undefined

  constructor(status: number, code: string, message: string, retryAfterMs?: number) {
    super(message)
    this.status = status
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

export interface Answer<T> {
  data: T
  /** When the platform gave or confirmed this answer, in its own time; milliseconds. */
  confirmedAt: number
}

/** A request that has not ended by then is given up; milliseconds. */
const PATIENCE = 10_000

/**
 * A reader of JSON that remembers its last answer and asks only whether it changed. It keeps one answer, for one URL:
 * an owner that asks about something else has no more use for the old one.
 */
export function createReader<T>(send: typeof fetch = fetch): (url: string, signal: AbortSignal) => Promise<Answer<T>> {
  let last: { url: string; etag: string; data: T } | undefined
  return async (url, signal) => {
    const known = last?.url === url ? last : undefined
    const response = await ask(url, { signal, headers: known ? { 'if-none-match': known.etag } : {} }, send)
    if (response.status === 304 && known) return { data: known.data, confirmedAt: serverNow() }
    if (!response.ok) throw await problemOf(response)
    const data = await json<T>(response)
    const etag = response.headers.get('etag')
    last = etag ? { url, etag, data } : undefined
    return { data, confirmedAt: serverNow() }
  }
}

/** Sends a small JSON body, or none. Rejects with an `ApiProblem`. */
export async function post(url: string, body?: unknown): Promise<void> {
  const init: RequestInit = { method: 'POST' }
  if (body !== undefined)
    Object.assign(init, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const response = await ask(url, init)
  if (!response.ok) throw await problemOf(response)
}

async function ask(url: string, init: RequestInit, send: typeof fetch = fetch): Promise<Response> {
  const patience = AbortSignal.timeout(PATIENCE)
  const signal = init.signal ? AbortSignal.any([init.signal, patience]) : patience
  const sentAt = Date.now()
  try {
    // `no-store`: the browser's own cache would hide the 304 from us.
    const response = await send(url, { ...init, signal, credentials: 'same-origin', cache: 'no-store' })
    noteServerDate(response.headers.get('date'), sentAt, Date.now())
    return response
  } catch (cause) {
    if (init.signal?.aborted) throw cause
    throw new ApiProblem(
      0,
      'unreachable',
      patience.aborted ? 'The platform did not answer in time.' : 'The platform cannot be reached.'
    )
  }
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const retryAfter = Number.isFinite(seconds) ? seconds * 1000 : undefined
  const body: unknown = await response.json().catch(() => undefined)
  const text = (key: string): string | undefined => {
    const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[key] : undefined
    return typeof value === 'string' ? value : undefined
  }
  const message = text('detail') ?? text('title') ?? `The platform answered ${response.status}.`
  return new ApiProblem(response.status, text('code') ?? 'http_error', message, retryAfter)
}

async function json<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T
  } catch {
    throw new ApiProblem(response.status, 'not_json', 'The answer was cut short, or is not JSON.')
  }
}
