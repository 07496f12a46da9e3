import type { HealthDocument } from '../verdict/document.ts'
import type { Limits, Seen } from '../verdict/seen.ts'
import { liveness, readiness, report, startup } from '../verdict/verdict.ts'

export interface Answer {
  status: number
  headers: Record<string, string | number>
  body: string
}

const routes = new Map<string, (seen: Seen, limits: Limits) => HealthDocument>([
  ['/health', liveness],
  ['/ready', readiness],
  ['/startup', startup],
  ['/health/report', report]
])

/** What a request is answered with. `see` is asked only by those that need it. */
export function answerTo(method: string, url: string, see: () => Seen, limits: Limits): Answer {
  const judge = routes.get(url.split('?', 1)[0]!)
  if (judge === undefined) {
    return problemAnswer(404, 'not_found', `There is nothing here but ${[...routes.keys()].join(', ')}.`)
  }
  if (method !== 'GET' && method !== 'HEAD') {
    return problemAnswer(405, 'method_not_allowed', 'Only GET and HEAD are answered here.', { allow: 'GET, HEAD' })
  }
  const document = judge(see(), limits)
  return answer(document.status === 'fail' ? 503 : 200, 'application/health+json', document)
}

/** A refusal in words (RFC 9457), in the form that every other server of the house uses. */
export function problemAnswer(
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {}
): Answer {
  const words = code.replaceAll('_', ' ')
  const title = words.charAt(0).toUpperCase() + words.slice(1)
  const problem = { type: `urn:plimsoll:problem:${code}`, title, status, detail, code }
  return answer(status, 'application/problem+json', problem, headers)
}

function answer(status: number, type: string, document: object, headers: Record<string, string> = {}): Answer {
  const body = JSON.stringify(document)
  return {
    status,
    headers: {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers
    },
    body
  }
}
