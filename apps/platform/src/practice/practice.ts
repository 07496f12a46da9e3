import type { Database } from '@plimsoll/database'
import { headOf, readStep, type SharedLog, type Step, stepBytes } from '@plimsoll/eventlog'
import { bearer, problem, sameSecret } from '@plimsoll/http'
import { WorldFaultError } from '@plimsoll/pubsub'
import { LogSubscriber } from '@plimsoll/pubsub/bulk'
import { systemClock } from '@plimsoll/resilience'
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Subscribers } from '../subscribers.ts'

/** Subscribers made to fail, for drills and benches; only with the setting `faultKnobs`. */

const Faults = Type.Object(
  {
    /** Begins two more subscribers at the end of the log: `practice-slow` takes one entry a second, `practice-poisoned` cannot take some. */
    practice: Type.Optional(Type.Boolean()),
    /** A subscriber that stands still, or whose dependency is away at each try; `well` ends it. */
    subscribers: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.Literal('paused'), Type.Literal('dead'), Type.Literal('well')]))
    )
  },
  { additionalProperties: false }
)

/** The longest that a timer waits. */
const longestMs = 2 ** 31 - 1

export interface PracticeOptions {
  log: Database
  shared: SharedLog
  store: Database
  subscribers: Subscribers
  /** Those that can be made to fail. */
  others: readonly LogSubscriber[]
  adminToken: string
}

export class Practice {
  readonly #options: PracticeOptions
  #running: LogSubscriber[] = []
  readonly #resumes = new Map<string, () => void>()

  constructor(options: PracticeOptions) {
    this.#options = options
  }

  route(app: FastifyInstance): void {
    app.put('/admin/faults/subscribers', { schema: { hide: true, body: Faults } }, async (request, reply) => {
      if (!sameSecret(bearer(request) ?? '', this.#options.adminToken))
        throw problem(401, 'unauthorized', 'Send the admin token.')
      const { practice, subscribers = {} } = request.body as Static<typeof Faults>
      for (const [name, mood] of Object.entries(subscribers)) this.#put(name, mood)
      if (practice === true && this.#running.length === 0) await this.#begin()
      if (practice === false) await this.stop()
      return reply.code(204).send()
    })
  }

  async stop(): Promise<void> {
    for (const subscriber of this.#running.splice(0)) {
      await subscriber.stop()
      this.#options.subscribers.forget(subscriber.name)
    }
  }

  #put(name: string, mood: 'paused' | 'dead' | 'well'): void {
    const subscriber = this.#options.others.find(one => one.name === name)
    if (!subscriber)
      throw problem(400, 'unknown_subscriber', `There is no subscriber "${name}" that can be made to fail.`)
    this.#resumes.get(name)?.()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#resumes.set(name, resolve)
    if (mood === 'well') subscriber.interfere(undefined)
    else if (mood === 'paused') subscriber.interfere(() => promise)
    else {
      subscriber.interfere(async () => {
        throw new WorldFaultError('made to fail, for practice')
      })
    }
  }

  async #begin(): Promise<void> {
    const { log, shared, store, subscribers } = this.#options
    await store.exec(`create schema if not exists practice;
      create table if not exists practice.tallies (one boolean primary key default true check (one), entries bigint not null default 0);
      insert into practice.tallies default values on conflict do nothing`)
    const head = await headOf(log)
    const begin = async (name: string, procedure: URL, batch: number, interference?: (step: Step) => Promise<void>) => {
      await store.query(
        `insert into eventlog_cursors.cursors (name, xid, position) values ($1, $2, $3)
         on conflict (name) do update set xid = excluded.xid, position = excluded.position`,
        [name, head.xid, head.position]
      )
      const subscriber = new LogSubscriber({ name, log: shared, store, procedure, batch, clock: systemClock })
      subscriber.interfere(interference)
      subscriber.start()
      subscribers.watch(name, subscriber)
      this.#running.push(subscriber)
      return subscriber
    }
    await begin('practice-slow', new URL('./tally-procedure.ts', import.meta.url), 1, step => {
      const { entries } = readStep(stepBytes(step))
      return new Promise(resolve => setTimeout(resolve, Math.min(entries.length * 1_000, longestMs)).unref())
    })
    await begin('practice-poisoned', new URL('./poisoned-procedure.ts', import.meta.url), 2_000)
  }
}
