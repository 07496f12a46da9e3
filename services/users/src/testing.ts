import { openScratch } from '@plimsoll/database/testing'
import { createServer } from '@plimsoll/http'
import type { FeedPage } from './contract.ts'
import { createUsers, type Users, type UsersOptions } from './service.ts'

export const adminToken = 'admin-token-of-the-tests'

export interface Answer {
  status: number
  headers: Headers
  text: string
  /** The parsed body; undefined when it is empty. */
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what the tests are about
  body: any
}

export interface SendOptions {
  body?: unknown
  headers?: Record<string, string>
  /** Bearer token; `null` sends none. Default: the admin token. */
  token?: string | null
}

export interface RunningUsers {
  users: Users
  database: Awaited<ReturnType<typeof openScratch>>
  /** Method and path of every route of the service. */
  routes: { method: string; path: string }[]
  send(method: string, path: string, options?: SendOptions): Promise<Answer>
  /** All events of the feed, once nothing that was committed is held back from it. `limit`: events a page, 1,000. */
  feed(limit?: number): Promise<FeedPage>
  close(): Promise<void>
}

export type RunOptions = Pick<UsersOptions, 'isSignedIn' | 'clock'> & {
  /** Looked through when a user is erased. */
  folders?: readonly string[]
}

/** The whole service on a real socket and a real database. */
export async function runUsers({ folders = [], ...options }: RunOptions = {}): Promise<RunningUsers> {
  const database = await openScratch()
  const users = await createUsers({
    database,
    masterKey: Buffer.alloc(32, 5),
    adminToken,
    places: { databases: { primary: database }, folders },
    ...options
  })
  const app = await createServer({ title: 'Users', version: '1' })
  const routes: RunningUsers['routes'] = []
  app.addHook('onRoute', route => {
    for (const method of [route.method].flat()) if (method !== 'HEAD') routes.push({ method, path: route.url })
  })
  await app.register(users.routes)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  users.start()
  const send: RunningUsers['send'] = async (method, path, { body, headers, token = adminToken } = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await response.text()
    const parsed = text === '' ? undefined : JSON.parse(text)
    return { status: response.status, headers: response.headers, text, body: parsed }
  }
  return {
    users,
    database,
    routes,
    send,
    async feed(limit = 1_000) {
      const events: FeedPage['events'] = []
      for (let after = ''; ; ) {
        const page: FeedPage = (await send('GET', `/v1/user-events?limit=${limit}${after}`)).body
        events.push(...page.events)
        // A page ends at the horizon: on a shared server that is the oldest transaction of any database on it.
        if (page.caughtUp) return { ...page, events }
        after = `&after=${page.cursor}`
      }
    },
    async close() {
      await app.close()
      await users.stop()
      await database.close()
    }
  }
}
