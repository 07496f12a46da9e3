import type { Database } from '@plimsoll/database'
import { type Cursor, headOf, type SharedLog } from '@plimsoll/eventlog'
import { bearer, documentProblems, documentRequests, problem, sameSecret } from '@plimsoll/http'
import type { LogSubscriberState } from '@plimsoll/pubsub/bulk'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { SubscriberState } from './black-box/subscriber-figures.ts'
import { type SubscriberRow, SubscribersAnswer } from './subscribers-contract.ts'

/** How each subscriber of the log stands: for the console, `/metrics`, and whoever is on call. */

export interface Standing {
  readonly state: Pick<LogSubscriberState, 'cursor' | 'lagMs'> &
    Partial<Omit<LogSubscriberState, 'cursor' | 'lagMs'>> & { failures?: number }
}

const sampleMs = 1_000
const samples = 10
const headPatienceMs = 500
const behindSeconds = 10

/** Watches the subscribers of one process. */
export class Subscribers {
  readonly #log: Database
  readonly #shared: SharedLog
  readonly #watched = new Map<string, { standing: Standing; places: { at: number; position: number }[] }>()
  #timer: NodeJS.Timeout | undefined

  constructor(log: Database, shared: SharedLog) {
    this.#log = log
    this.#shared = shared
  }

  watch(name: string, standing: Standing): void {
    this.#watched.set(name, { standing, places: [] })
  }

  forget(name: string): void {
    this.#watched.delete(name)
  }

  start(): void {
    this.#timer = setInterval(() => this.#sample(), sampleMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async answer(): Promise<SubscribersAnswer> {
    const head = await this.#head()
    const subscribers = [...this.#watched].map(([name, { standing, places }]) => rowOf(name, standing, places, head))
    return { subscribers, reads: { ...this.#shared.reads }, at: new Date().toISOString() }
  }

  #sample(): void {
    for (const { standing, places } of this.#watched.values()) {
      places.push({ at: performance.now(), position: standing.state.cursor.position })
      if (places.length > samples) places.shift()
    }
  }

  /** Undefined when the log is away or busy: how the subscribers stand must be told then, too. */
  async #head(): Promise<Cursor | undefined> {
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(late.resolve, headPatienceMs, undefined)
    const head = await Promise.race([headOf(this.#log).catch(() => undefined), late.promise])
    clearTimeout(timer)
    return head
  }
}

function rowOf(
  name: string,
  { state }: Standing,
  places: readonly { at: number; position: number }[],
  head: Cursor | undefined
): SubscriberRow {
  const { cursor, lagMs, failures = 0, attempts = failures, parkedKeys = 0, status, error = null } = state
  const [first] = places
  const seconds = first ? (performance.now() - first.at) / 1_000 : 0
  const lagSeconds = lagMs / 1_000
  const isWaiting = status === undefined ? attempts > 0 : status === 'waiting'
  return {
    name,
    cursor: `${cursor.xid}.${cursor.position}`,
    behind: head ? Math.max(0, head.position - cursor.position) : null,
    lagSeconds,
    // At its start it has no place yet, and the first that it has is no speed.
    perSecond: first && first.position > 0 && seconds > 0 ? Math.max(0, cursor.position - first.position) / seconds : 0,
    attempts,
    parkedKeys,
    state: status === 'stopped' ? 'stopped' : isWaiting ? 'waiting' : lagSeconds > behindSeconds ? 'behind' : 'running',
    error
  }
}

/** What a sample of the black box says of one. `end` is where the log ends, as a position. */
export function inBlackBox({ state }: Standing, end: number): SubscriberState {
  const { cursor, lagMs, failures = 0, attempts = failures, parkedKeys, status, error } = state
  return {
    position: cursor.position,
    end,
    lagMs,
    failures: attempts,
    ...(parkedKeys !== undefined && { parked: parkedKeys }),
    ...(error && { error }),
    alive: status !== 'stopped'
  }
}

export interface SubscriberRoutes {
  adminToken: string
  isSignedIn(request: FastifyRequest): boolean
}

export function subscribersRoute(
  app: FastifyInstance,
  subscribers: Subscribers,
  { adminToken, isSignedIn }: SubscriberRoutes
): void {
  documentProblems(app, 400, 401)
  documentRequests(app, { headers: {}, credentials: () => ['bearer', 'cookie'] })
  app.get(
    '/v1/subscribers',
    { schema: { summary: 'How each subscriber of the log stands', response: { 200: SubscribersAnswer } } },
    async (request, reply) => {
      const token = bearer(request)
      if (token === undefined ? !isSignedIn(request) : !sameSecret(token, adminToken))
        throw problem(401, 'unauthorized', 'Sign in (`plimsoll sign-in` prints a link) or send the admin token.')
      reply.header('cache-control', 'no-store')
      return subscribers.answer()
    }
  )
}

type Metric = (name: string, type: 'counter' | 'gauge', help: string, value: number, labels: string) => void

export async function subscriberMetrics(subscribers: Subscribers, metric: Metric): Promise<void> {
  const { subscribers: rows } = await subscribers.answer()
  const each = (name: string, help: string, value: (row: SubscriberRow) => number | null) => {
    for (const row of rows) {
      const n = value(row)
      if (n !== null) metric(`plimsoll_subscriber_${name}`, 'gauge', help, n, `{subscriber="${row.name}"}`)
    }
  }
  each('lag_seconds', 'Age of the oldest entry of the log that it has not reached.', row => row.lagSeconds)
  each('behind_entries', 'Entries of the log that it has not reached.', row => row.behind)
  each('attempts', 'Failed rounds since the last that worked.', row => row.attempts)
  each('parked_keys', 'Keys in which something waits behind a failure.', row => row.parkedKeys)
}
