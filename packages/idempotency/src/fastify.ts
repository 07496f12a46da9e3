import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import { IdempotencyError, IdempotencyInFlightError } from './errors.ts'
import { idempotent, type RunContext } from './idempotent.ts'
import type { IdempotentOptions } from './settings.ts'
import { stagedReply } from './staged-reply.ts'
import type { IdempotencyStore } from './store.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Opts a route in. `required: false` also takes requests without a key, and runs them with nothing kept. */
    idempotency?: { required: boolean }
  }
}

export interface InstallOptions<Tx> extends IdempotentOptions {
  store: IdempotencyStore<Tx>
  /** Whose request it is: what authentication found, never what the client says of itself. */
  tenant(request: FastifyRequest): string
  /**
   * Awaits what is done for a request, and may reject before it has ended, by a deadline say: what is under way goes on, and
   * the reply is left alone by all but a handler that is still running. Default: its end is waited for.
   */
  within?<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T>
}

/** What the handler of an idempotent route works with. */
export interface Keyed<Tx> extends RunContext {
  readonly tx: Tx
  /** Commits and keeps this answer even if its status alone would not: for a 502 after what must not happen twice. */
  commit(): void
}

/**
 * Idempotency keys for the routes that ask for them by `config: { idempotency: { required: true } }`. Call it before these
 * routes are added. Gives the function by which their handlers get the transaction.
 *
 * The handler's answer is held until its transaction has committed. Hooks, authentication and validation run before, so
 * that what they refuse is not kept; `onSend` hooks run after, for replays too.
 */
export function installIdempotency<Tx>(
  app: FastifyInstance,
  { store, tenant, within = (_, work) => work(), ...options }: InstallOptions<Tx>
): (request: FastifyRequest) => Keyed<Tx> {
  const guard = idempotent(store, options)
  const running = new WeakMap<FastifyRequest, Keyed<Tx>>()

  app.addHook('onRoute', route => {
    const wanted = route.config?.idempotency
    if (wanted === undefined) return
    const handler = route.handler
    route.handler = async function (request, reply) {
      const before = reply.getHeaders()
      try {
        const asked = {
          tenant: tenant(request),
          route: route.url,
          method: request.method,
          target: request.url,
          key: request.headers['idempotency-key'],
          body: request.body,
          required: wanted.required
        }
        const { answer, replayed } = await within(request, () =>
          guard.run(asked, async (tx, context) => {
            let commit = false
            const keep = () => {
              commit = true
            }
            running.set(request, { ...context, tx, commit: keep })
            return { ...(await handled(handler, this, request, reply)), commit }
          })
        )
        reply.code(answer.status)
        // The first answer's are there already: the handler set them.
        if (replayed) reply.headers(answer.headers)
        return await reply.send(answer.body.length === 0 ? undefined : answer.body)
      } catch (error) {
        // What was rolled back has no headers either.
        for (const name of Object.keys(reply.getHeaders())) if (!(name in before)) reply.removeHeader(name)
        if (error instanceof IdempotencyError && error.status < 500) return refuse(reply, error)
        throw error
      } finally {
        running.delete(request)
      }
    }
  })

  return request => {
    const keyed = running.get(request)
    if (keyed === undefined) throw new TypeError('this request is not in the handler of an idempotent route')
    return keyed
  }
}

async function handled(
  handler: RouteHandlerMethod,
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply
) {
  const staged = stagedReply(reply)
  const returned: unknown = await handler.call(app, request, staged.reply)
  return staged.answer(returned)
}

/** The same form as the problems of `@plimsoll/http`, with no need of it (RFC 9457). */
function refuse(reply: FastifyReply, error: IdempotencyError): FastifyReply {
  const code = error.code.toLowerCase()
  const words = code.replaceAll('_', ' ')
  const waitMs = error instanceof IdempotencyInFlightError ? error.retryAfterMs : 1_000
  if (error.status === 409) reply.header('retry-after', Math.max(1, Math.ceil(waitMs / 1_000)))
  return reply
    .code(error.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .send(
      JSON.stringify({
        type: `urn:plimsoll:problem:${code}`,
        title: words.charAt(0).toUpperCase() + words.slice(1),
        status: error.status,
        detail: error.message,
        code
      })
    )
}
