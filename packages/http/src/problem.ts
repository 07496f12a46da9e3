import { STATUS_CODES } from 'node:http'
import { jsonFault } from './json-fault.ts'

export interface ProblemOptions {
  /** The same words for every problem of this code. Default: the code itself, as words. */
  title?: string
  /** Further members of the answer (RFC 9457, section 3.2); they never replace the standard ones. */
  extra?: Record<string, unknown>
  /** Headers of the answer, such as `Retry-After` or `WWW-Authenticate`. */
  headers?: Record<string, string>
}

/** What goes over the wire, as `application/problem+json`. */
export interface ProblemDocument {
  type: string
  title: string
  status: number
  detail: string
  /** Stable and meant for programs; `type` is the same as a URN. */
  code: string
  [extra: string]: unknown
}

/**
 * An answer that is not a success, told to the caller in words it can act on (RFC 9457). Throw it from a handler.
 * @example throw new Problem(404, 'user_not_found', `There is no user ${id}.`)
 */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly extra: Record<string, unknown>
  readonly headers: Record<string, string>

  /**
   * @param status an HTTP status from 400 to 599
   * @param code lower-case words joined by `_`; callers depend on it, so it never changes
   * @param detail what is wrong with this request, where, and how to mend it
   */
  constructor(status: number, code: string, detail: string, options: ProblemOptions = {}) {
    super(detail)
    this.status = status
    this.code = code
    this.detail = detail
    this.title = options.title ?? asWords(code)
    this.extra = options.extra ?? {}
    this.headers = options.headers ?? {}
  }

  toJSON(): ProblemDocument {
    const { title, status, detail, code } = this
    return { ...this.extra, type: `urn:plimsoll:problem:${code}`, title, status, detail, code }
  }
}

/** `new Problem` for the common case of no title and no headers. */
export function problem(status: number, code: string, detail: string, extra: Record<string, unknown> = {}): Problem {
  return new Problem(status, code, detail, { extra })
}

/** The problem with a text that `JSON.parse` refused, or that was refused for a forbidden key: what, and where. */
export function malformedJson(text: string): Problem {
  const fault = jsonFault(text)
  if (fault === undefined) {
    return problem(400, 'malformed_json', "The body has a key that no JSON here may have, such as '__proto__'.")
  }
  const { line, column, expected } = fault
  const where = `line ${line}, column ${column}`
  return problem(400, 'malformed_json', `The body is not JSON: ${where}: expected ${expected}.`, { line, column })
}

/** The code for an error that has a status and nothing more: 414 is `uri_too_long`. */
export function codeOfStatus(status: number): string {
  return (STATUS_CODES[status] ?? 'error').toLowerCase().replace(/[^a-z]+/g, '_')
}

function asWords(code: string): string {
  const words = code.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
