import { randomBytes } from 'node:crypto'
import { anyOf, Problem, problem, problemResponses } from '@plimsoll/http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { cookieName, holdsSession, sessionCookie } from './session-cookie.ts'

const sessionMs = 30 * 86_400_000
const linkMs = 24 * 3_600_000
const mostLinks = 100

/**
 * Console sign-in without passwords: a link holds a token that works once, within a day; it becomes a signed cookie.
 * The token is in the link's fragment, so it reaches no log and no proxy.
 */
export class SignIn {
  #key: string
  #now: () => number
  /** Where the watcher answers, for whoever is signed in. */
  #watcherUrl: string | undefined
  #links = new Map<string, number>()

  constructor(secret: string, now: () => number = Date.now, watcherUrl?: string) {
    this.#key = secret
    this.#now = now
    this.#watcherUrl = watcherUrl
  }

  /** A new one-time token. The oldest unused ones are forgotten beyond a hundred. */
  newToken(): string {
    const token = randomBytes(24).toString('base64url')
    if (this.#links.size >= mostLinks) this.#links.delete(this.#links.keys().next().value!)
    this.#links.set(token, this.#now() + linkMs)
    return token
  }

  #redeem(token: string): boolean {
    const until = this.#links.get(token)
    this.#links.delete(token)
    return until !== undefined && until > this.#now()
  }

  /** True when the request carries a cookie that this platform signed and that has not run out. */
  isSignedIn(request: Pick<FastifyRequest, 'headers'>): boolean {
    return holdsSession(request.headers.cookie, this.#key, this.#now())
  }

  routes(app: FastifyInstance, mayMakeLinks: (request: FastifyRequest) => boolean): void {
    const cookie = (value: string, seconds: number) =>
      `${cookieName}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict`
    app.get(
      '/v1/me',
      {
        schema: {
          summary: 'Am I signed in?',
          security: anyOf('cookie'),
          response: {
            200: Type.Object({ signedIn: Type.Boolean(), watcherUrl: Type.Optional(Type.String()) }),
            ...problemResponses(401)
          }
        }
      },
      async request => {
        if (!this.isSignedIn(request))
          throw problem(401, 'unauthorized', 'Not signed in; `plimsoll sign-in` prints a link.')
        return { signedIn: true, ...(this.#watcherUrl !== undefined && { watcherUrl: this.#watcherUrl }) }
      }
    )
    app.post<{ Body: { token: string } }>(
      '/v1/sign-in',
      {
        schema: {
          summary: 'Sign in with a one-time token',
          body: Type.Object({ token: Type.String({ maxLength: 200 }) }),
          response: { 204: Type.Null(), ...problemResponses(401) }
        }
      },
      async (request, reply) => {
        if (!this.#redeem(request.body.token)) {
          throw new Problem(
            401,
            'sign_in_refused',
            'This link was used already or has run out; `plimsoll sign-in` prints a new one.'
          )
        }
        const until = this.#now() + sessionMs
        return reply
          .header('set-cookie', cookie(sessionCookie(this.#key, until), sessionMs / 1000))
          .code(204)
          .send()
      }
    )
    app.post(
      '/v1/sign-out',
      { schema: { summary: 'Sign out', response: { 204: Type.Null() } } },
      async (_request, reply) => reply.header('set-cookie', cookie('', 0)).code(204).send()
    )
    app.post(
      '/v1/sign-in-links',
      {
        schema: {
          summary: 'Make a sign-in link; admin token only',
          security: anyOf('bearer'),
          response: { 201: Type.Object({ token: Type.String() }), ...problemResponses(401) }
        }
      },
      async (request, reply) => {
        if (!mayMakeLinks(request)) throw problem(401, 'unauthorized', 'Send the local admin token.')
        return reply.code(201).send({ token: this.newToken() })
      }
    )
  }
}
