import { codeOfStatus, Problem, problem } from './problem.ts'

/** The most validation errors that one answer lists. */
const errorLimit = 20

interface ThrownByFastify extends Error {
  code?: string
  statusCode?: number
  /** http-errors: the message was written for the client. */
  expose?: boolean
  validation?: { instancePath: string; message?: string; params?: Record<string, unknown> }[]
  validationContext?: string
}

const byCode: Record<string, Problem> = {
  FST_ERR_CTP_INVALID_JSON_BODY: problem(400, 'malformed_json', 'The body is not JSON.'),
  FST_ERR_CTP_EMPTY_JSON_BODY: problem(400, 'malformed_json', 'The body is empty; send JSON.', { line: 1, column: 1 }),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: problem(
    400,
    'content_length_mismatch',
    'The body has another length than the Content-Length header says.'
  ),
  FST_ERR_CTP_BODY_TOO_LARGE: problem(413, 'body_too_large', 'The body is larger than this route accepts.'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: problem(
    415,
    'unsupported_media_type',
    'This route does not read that Content-Type; send application/json.'
  ),
  FST_ERR_BAD_URL: problem(400, 'malformed_url', 'The path has a percent sign that does not encode a character.'),
  FST_ERR_MAX_PARAM_LENGTH: problem(414, 'uri_too_long', 'A part of the path is longer than this route accepts.'),
  FST_ERR_HANDLER_TIMEOUT: problem(503, 'handler_timeout', 'The answer took too long and was given up; try again.')
}

/** The client left in the middle of its body. Nobody reads this, but it is no failure of the server either. */
const aborted = problem(400, 'request_aborted', 'The request ended before its body was whole.')

/**
 * What a client is told about an error, or `undefined` for one that is the server's own affair: its message may hold
 * what no client should read.
 */
export function problemOfError(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error
  if (!(error instanceof Error)) return
  const { code, validation, validationContext, statusCode, expose, message }: ThrownByFastify = error
  if (validation !== undefined) return invalidRequest(validationContext ?? 'request', validation)
  // Node's own words for it; a connection that the server itself opened and lost says something else.
  if (code === 'ECONNRESET' && message === 'aborted') return aborted
  if (code !== undefined && Object.hasOwn(byCode, code)) return byCode[code]
  // Only errors that were made for the client: an HTTP client's error has a statusCode too, the one it was given.
  const forClient = code?.startsWith('FST_') === true || expose === true
  if (forClient && statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem(statusCode, codeOfStatus(statusCode), message)
  }
}

function invalidRequest(part: string, validation: NonNullable<ThrownByFastify['validation']>): Problem {
  const errors = validation.slice(0, errorLimit).map(({ instancePath, message, params }) => {
    const named = params?.missingProperty ?? params?.additionalProperty
    const path = `${part}${instancePath}${typeof named === 'string' ? `/${named.slice(0, 100)}` : ''}`
    return { path, message: message ?? 'is not valid' }
  })
  const first = errors[0]
  const detail = first === undefined ? 'The request is not valid.' : `${first.path} ${first.message}.`
  return problem(400, 'invalid_request', detail, { errors })
}
