import assert from 'node:assert/strict'
import { setTimeout as pass } from 'node:timers/promises'
import type { Database } from '@plimsoll/database'
import type { Broker } from '../broker.ts'
import type { Handler, SubscribeOptions } from '../consumer/settings.ts'
import type { Subscription } from '../consumer/subscription.ts'
import { NotConfirmedError } from '../errors.ts'
import type { Message, NewMessage } from '../message/message.ts'
import { PubSub, type PubSubOptions } from '../pubsub.ts'

/** A broker under test. The suite closes what it connects. */
export interface BrokerUnderTest {
  /** A database that nobody else uses. The suite makes its tables in it. */
  database: Database
  /** A connection of its own, with topics of four partitions. `database` is the consumer's, for a broker that is a database. */
  connect(database: Database): Promise<Broker>
  /** How a consumer in a process of its own connects: a module whose default export is `(argument, database) => Broker`. */
  process: { module: URL; argument: unknown }
  /** Kills the broker and starts it again on what it kept. Absent where the broker is the consumer's database. */
  engine?: { kill(): Promise<void>; start(): Promise<void> }
  /** A way to the broker that can be cut, and mended. */
  network?: { connect(): Promise<Broker>; cut(): Promise<void>; mend(): Promise<void> }
  close(): Promise<void>
}

/** One handled message, as the consumer's own table has it. */
export interface Effect {
  id: string
  key: string | null
  n: number
  attempt: number
}

/** What a case works with. */
export class Bench {
  readonly under: BrokerUnderTest
  readonly broker: Broker
  readonly pubsub: PubSub
  #topics = 0
  #cases: Subscription[] = []
  #pubsubs: PubSub[] = []
  readonly #run = Math.random().toString(36).slice(2, 8)

  constructor(under: BrokerUnderTest, broker: Broker) {
    this.under = under
    this.broker = broker
    this.pubsub = this.on(broker)
  }

  /** Another over the same broker, which is cleared by itself. */
  apart(): Bench {
    return new Bench(this.under, this.broker)
  }

  on(broker: Broker, options: Partial<PubSubOptions> = {}): PubSub {
    return new PubSub({ broker, database: this.under.database, source: '/conformance', ...options })
  }

  /** A topic that no other case has. */
  topic(): string {
    return `t${++this.#topics}-${this.#run}`
  }

  /** Subscribes with waits that are short, and drains when the case is over. */
  async subscribe(
    topic: string,
    group: string,
    handler: Handler,
    options: SubscribeOptions & { pubsub?: PubSub } = {}
  ) {
    const { pubsub = this.pubsub, ...rest } = options
    const subscription = await pubsub.subscribe(topic, group, handler, { ...quick, ...rest })
    this.#cases.push(subscription)
    return subscription
  }

  /** Subscribes with a handler that writes what it got into the effects of its group, after `before`. */
  collect(topic: string, group: string, options: SubscribeOptions & { before?: Handler; pubsub?: PubSub } = {}) {
    const { before, ...rest } = options
    const handler: Handler = async (message, context) => {
      await before?.(message, context)
      await record(`${topic}/${group}`, message, context)
    }
    return this.subscribe(topic, group, handler, rest)
  }

  /** What a group did, in the order in which it committed. */
  async effects(topic: string, group: string): Promise<Effect[]> {
    return await effectsOf(this.under.database, `${topic}/${group}`)
  }

  /** Waits until a group has done so many things, then returns them. */
  async done(topic: string, group: string, count: number): Promise<Effect[]> {
    const name = `${topic}/${group}`
    let effects: Effect[] = []
    await until(
      () => `${count} effects of ${name}, of which there are ${effects.length}`,
      async () => {
        effects = await effectsOf(this.under.database, name)
        return effects.length >= count
      }
    )
    return effects
  }

  /** Ends what the case began. */
  async clear(): Promise<void> {
    await Promise.all(this.#cases.splice(0).map(subscription => subscription.drain()))
    await Promise.all(this.#pubsubs.splice(0).map(pubsub => pubsub.close()))
  }
}

const quick: SubscribeOptions = {
  leaseMs: 3_000,
  backoff: { firstMs: 2, maxMs: 10 },
  worldBackoff: { firstMs: 5, maxMs: 50 },
  maxAttempts: 3
}

export async function makeEffects(database: Database): Promise<void> {
  await database.exec(`create table if not exists effects (nth bigint generated always as identity, grp text not null,
    id text not null, key text, n int not null, attempt int not null)`)
}

export async function record(
  group: string,
  message: Pick<Message, 'id' | 'key' | 'data'>,
  { tx, attempt }: Pick<Parameters<Handler>[1], 'tx' | 'attempt'>
): Promise<void> {
  const n = (message.data as { n?: number } | null)?.n ?? 0
  await tx.query('insert into effects (grp, id, key, n, attempt) values ($1, $2, $3, $4, $5)', [
    group,
    message.id,
    message.key,
    n,
    attempt
  ])
}

export async function effectsOf(database: Database, group: string): Promise<Effect[]> {
  const { rows } = await database.query<Effect>('select id, key, n, attempt from effects where grp = $1 order by nth', [
    group
  ])
  return rows
}

/** `count` messages over some keys; `data.n` counts up within each key. */
export function numbered(
  count: number,
  keys: readonly string[],
  from = 0
): (NewMessage & { id: string; key: string })[] {
  return Array.from({ length: count }, (_, i) => {
    const key = keys[i % keys.length]!
    const n = from + Math.floor(i / keys.length)
    return { id: `${key}-${n}`, key, type: 'counted', data: { n } }
  })
}

/** Each key's effects count up from `first` without a gap and without a repetition. */
export function inOrder(effects: readonly Effect[], first = 0): void {
  const next = new Map<string | null, number>()
  for (const { key, n } of effects) {
    assert.equal(n, next.get(key) ?? first, `key ${key} in order`)
    next.set(key, n + 1)
  }
}

/** Waits for something that another part of the program does. Bounded for a loaded machine. */
export async function until(
  what: string | (() => string),
  holds: () => boolean | Promise<boolean>,
  withinMs = 60_000
): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > end) {
      throw new Error(`waited ${withinMs} ms in vain for ${typeof what === 'string' ? what : what()}`)
    }
    await pass(4)
  }
}

/** Publishes again, with the same ids, until it is confirmed. */
export async function insist(publish: () => Promise<unknown>): Promise<void> {
  await until('a confirmation', () =>
    publish().then(
      () => true,
      error => {
        if (error instanceof NotConfirmedError) return false
        throw error
      }
    )
  )
}
