import type { Operation } from './document.ts'
import type { Answer } from './wire.ts'

/** What no answer may be. Each is an aim of the run: none at all. */
export const faultKinds = {
  server: 'answers of 5xx that are not a documented 503 with Retry-After',
  silence: 'whole requests without an answer',
  form: 'refusals that are not application/problem+json',
  undocumented: 'statuses that the document does not list',
  schema: 'answers that are not as the document says',
  refusal: 'refused with 503 at this pace'
} as const
export type FaultKind = keyof typeof faultKinds

export interface Fault {
  kind: FaultKind
  detail: string
}

export interface Asked {
  method: string
  operation: Operation | undefined
  /** True when the request itself said by when it must be answered. */
  hasty?: boolean
}

/** What is wrong with an answer; nothing when it is as the document says, or, outside of it, a plain refusal. */
export function faultOf({ method, operation, hasty = false }: Asked, answer: Answer): Fault | undefined {
  const { status } = answer
  const documented = operation?.answers.get(status)
  if (status >= 500) {
    if (!isRefusalForNow(operation, answer) && !(hasty && isOutOfTime(method, answer)))
      return { kind: 'server', detail: `${status} ${codeOf(answer)}` }
  }
  if (status >= 400 && method !== 'HEAD') {
    const unlike = unlikeProblem(answer)
    if (unlike) return { kind: 'form', detail: `${status}: ${unlike}` }
  }
  if (operation && !documented) return { kind: 'undocumented', detail: `${status} ${codeOf(answer)}` }
  if (!documented || method === 'HEAD') return undefined
  const unlike = unlikeDocument(documented, answer)
  return unlike === undefined ? undefined : { kind: 'schema', detail: `${status}: ${unlike}` }
}

/** A documented 503 that says when to come back. Where there is no operation nobody can have documented it. */
export function isRefusalForNow(operation: Operation | undefined, answer: Answer): boolean {
  return operation?.answers.has(503) === true && saysWhenToComeBack(answer)
}

/** What a client gets that leaves next to no time, by whatever method, and with whatever bytes behind its request. */
function isOutOfTime(method: string, answer: Answer): boolean {
  return saysWhenToComeBack(answer) && (method === 'HEAD' || isSlow(answer))
}

/** It did not answer, or not with what was asked for, in the time that the client gave it. */
export const isSlow = (answer: Answer): boolean =>
  ['store_slow', 'read_store_slow', 'log_slow', 'position_not_reached'].includes(codeOf(answer))

const saysWhenToComeBack = ({ status, headers }: Answer) =>
  status === 503 && /^\d+$/.test(headers.get('retry-after') ?? '')

function unlikeProblem({ status, headers, body }: Answer): string | undefined {
  const type = headers.get('content-type') ?? 'none'
  if (!type.startsWith('application/problem+json')) return `content type ${type}`
  const problem = read(body) as Record<string, unknown> | undefined
  if (typeof problem !== 'object' || problem === null) return 'a body that is not a JSON object'
  for (const name of ['type', 'title', 'detail', 'code'])
    if (typeof problem[name] !== 'string' || problem[name] === '') return `no ${name}`
  if (problem.status !== status) return `status ${String(problem.status)} in the body`
  if (problem.type !== `urn:plimsoll:problem:${String(problem.code)}`) return 'a type that is not its code'
  return undefined
}

function unlikeDocument(
  documented: { hasBody: boolean; faultOf(body: unknown): string | undefined },
  { body }: Answer
): string | undefined {
  if (!documented.hasBody) return body.length > 0 ? 'a body where none is said' : undefined
  const value = read(body)
  return value === undefined ? 'a body that is not JSON' : documented.faultOf(value)
}

export function codeOf({ body }: Answer): string {
  const value = read(body)
  return typeof value === 'object' && value !== null && 'code' in value ? String(value.code) : ''
}

export function read(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}
