import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AllowedMethods } from './allowed-methods.ts'
import { malformedJson, Problem, problem } from './problem.ts'
import { problemOfError } from './problem-of-error.ts'

const contentType = 'application/problem+json; charset=utf-8'

/**
 * Makes every answer of a Fastify server that is not a success an RFC 9457 problem: unknown path 404 `not_found`, wrong
 * method 405 `method_not_allowed` with `Allow`, bad bodies 400, 413 and 415, validation 400 `invalid_request` with
 * `errors`. What was not meant for the client is 500 `internal_error` with an `instance` that the log has too.
 *
 * Call it before any route is added. It also replaces the parser of `application/json` by one that says where a body is
 * broken; a route tree that reads JSON in its own way removes that parser first.
 */
export function installProblemHandler(app: FastifyInstance): void {
  const allowed = new AllowedMethods()
  app.addHook('onRoute', route => allowed.add(route.url, route.method))

  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body as string
    parse(request, text, (error, value) => (error && text !== '' ? done(malformedJson(text)) : done(error, value)))
  })

  // Node would answer this by itself, without a word.
  app.server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const answer = problem(417, 'expectation_failed', 'Only "Expect: 100-continue" is met here.')
    const body = JSON.stringify(answer)
    response.writeHead(answer.status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      connection: 'close'
    })
    response.end(body)
  })

  app.setNotFoundHandler((request, reply) => send(reply, noRoute(request, allowed)))
  app.setErrorHandler((error, request, reply) => {
    // A body that nobody would have read has no say: the path or the method is what is wrong.
    if (request.is404) return send(reply, noRoute(request, allowed))
    if (hungUp(request)) return send(reply, problem(400, 'request_cut', 'The connection ended before the request did.'))
    return send(reply, problemOfError(error) ?? internalError(error, request))
  })
}

/**
 * Options for `Fastify({ ...problemServerOptions })`: problems for what fails before there is a route, such as bytes that
 * are not HTTP, headers that are too large, and a path that cannot be decoded.
 */
export const problemServerOptions = {
  clientErrorHandler: (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
      socket.destroy(error)
      return
    }
    const answer = beforeRequest(error.code)
    const body = JSON.stringify(answer)
    const head = [
      `HTTP/1.1 ${answer.status} ${answer.title}`,
      'Connection: close',
      `Content-Type: ${contentType}`,
      `Content-Length: ${Buffer.byteLength(body)}`
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  },
  frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
    send(reply, problemOfError(error) ?? internalError(error, request))
  }
}

function send(reply: FastifyReply, answer: Problem): FastifyReply {
  return reply
    .code(answer.status)
    .headers(answer.headers)
    .header('cache-control', 'no-store')
    .type(contentType)
    .send(JSON.stringify(answer))
}

function noRoute(request: FastifyRequest, allowed: AllowedMethods): Problem {
  const methods = allowed.of(request.url)
  if (methods.length === 0) return problem(404, 'not_found', 'There is nothing at this path.')
  const allow = methods.join(', ')
  const detail = `This path does not know ${request.method}; it knows ${allow}.`
  return new Problem(405, 'method_not_allowed', detail, { headers: { allow } })
}

/** The client is gone, with the rest of its body: no failure of the server's, and nothing for its log. */
function hungUp({ raw }: FastifyRequest): boolean {
  return raw.destroyed && !raw.complete
}

function internalError(error: unknown, request: FastifyRequest): Problem {
  const instance = `urn:uuid:${randomUUID()}`
  request.log.error({ err: error, instance }, 'the request failed')
  const detail =
    'Something failed here that is not your doing. The log of the server has the cause under this instance.'
  return problem(500, 'internal_error', detail, { instance })
}

function beforeRequest(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return problem(408, 'request_timeout', 'The request did not arrive whole in time.')
  }
  if (code === 'HPE_HEADER_OVERFLOW') return problem(431, 'headers_too_large', 'The headers are larger than 16 KB.')
  return problem(400, 'malformed_request', 'What was sent is not an HTTP/1.1 request.')
}
