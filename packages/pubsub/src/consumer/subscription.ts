import { randomUUID } from 'node:crypto'
import type { Broker, Position, ReplayFrom } from '../broker.ts'
import { UnsupportedError } from '../errors.ts'
import type { Wording } from '../message/message.ts'
import { Breath } from './breath.ts'
import { DeadLetters, decidedChannel, type ParkedTotals } from './dead-letters.ts'
import { delayOf } from './fault.ts'
import { Gate } from './gate.ts'
import { Lookups } from './lookups.ts'
import { acquire, addPartitions, beat, isKnownGroup, leave, type Membership, release, rewind } from './membership.ts'
import type { Handler, Settings } from './settings.ts'
import { Settler } from './settler.ts'
import type { ConsumerStore } from './store.ts'
import { PartitionWorker, type WorkerParts } from './worker.ts'

export interface Lag {
  /** Messages of the topic that the group has not reached. */
  messages: number
  /** Age of the oldest of them, in seconds. */
  seconds: number
  /** What waits behind failures, and what failed. */
  parked: ParkedTotals
}

export interface SubscriptionState {
  /** `waiting`: the world is at fault, and it tries again by itself. */
  status: 'running' | 'paused' | 'waiting' | 'closed'
  /** Messages handled by this subscription since it began. */
  handled: number
  /** Partitions that it has now. */
  partitions: readonly number[]
  /** Keys in which something waits, in those partitions. */
  parkedKeys: number
  /** What the world's last fault was, while it lasts. */
  error: unknown
}

export interface SubscriptionParts {
  broker: Broker
  store: ConsumerStore
  wording: Wording
  topic: string
  group: string
  handler: Handler
  settings: Settings
}

/** One member of a group: takes its share of the partitions, works on each, and gives them back. */
export class Subscription {
  readonly topic: string
  readonly group: string
  readonly deadLetters: DeadLetters
  #parts: SubscriptionParts
  #me: Membership
  #gate: Gate
  #workers = new Map<number, { worker: PartitionWorker; ended: Promise<void> }>()
  #handledBefore = 0
  #beating: Promise<void> | undefined
  #beatAgain = false
  #timer: unknown
  #draining: Promise<void> | undefined
  #closed = false
  #error: unknown
  #beatFaults = 0
  #stopListening: () => void
  #workerParts: WorkerParts

  private constructor(parts: SubscriptionParts, me: Membership) {
    this.topic = parts.topic
    this.group = parts.group
    this.#parts = parts
    this.#me = me
    const { store, topic, group, settings } = parts
    const { concurrency, worldBackoff, clock, random } = settings
    this.deadLetters = new DeadLetters(store, topic, group)
    this.#gate = new Gate(concurrency, worldBackoff, clock, random)
    this.#stopListening = store.database.listen(decidedChannel(store.schema), topics => {
      if (topics.includes(topic)) for (const { worker } of this.#workers.values()) worker.nudge()
    })
    const onEvent: Settings['onEvent'] = event => {
      if (event.kind === 'waiting') this.#error = event.error
      if (event.kind === 'recovered') this.#error = undefined
      settings.onEvent(event)
    }
    this.#workerParts = {
      ...parts,
      gate: this.#gate,
      settler: new Settler(store),
      lookups: new Lookups(store),
      breath: new Breath(settings.clock),
      settings: { ...settings, onEvent }
    }
  }

  /** Joins the group and takes a share. Rejects when the broker or the database is away now. */
  static async start(parts: SubscriptionParts): Promise<Subscription> {
    const { broker, store, topic, group, settings } = parts
    const partitions = await broker.topic(topic)
    await broker.group(topic, group)
    const me = { topic, group, member: randomUUID(), partitions, leaseMs: settings.leaseMs }
    if (!(await isKnownGroup(store, me))) {
      const from = broker.capabilities.history ? settings.from : 'start'
      const positions = await Promise.all(
        Array.from({ length: partitions }, (_, partition) =>
          from === 'start' ? null : broker.seek!(topic, partition, from)
        )
      )
      await addPartitions(store, me, positions)
    }
    const subscription = new Subscription(parts, me)
    await subscription.#beat()
    return subscription
  }

  get state(): SubscriptionState {
    const workers = [...this.#workers.values()].map(({ worker }) => worker)
    const status = this.#closed
      ? 'closed'
      : this.#gate.paused
        ? 'paused'
        : this.#gate.faults > 0
          ? 'waiting'
          : 'running'
    return {
      status,
      handled: workers.reduce((sum, { handled }) => sum + handled, this.#handledBefore),
      partitions: workers.map(({ lease }) => lease.partition).toSorted((a, b) => a - b),
      parkedKeys: workers.reduce((sum, { parkedLanes }) => sum + parkedLanes, 0),
      error: this.#error
    }
  }

  /** Begins nothing more; what is under way ends. The partitions stay its own. */
  pause(): void {
    this.#gate.pause()
  }

  resume(): void {
    this.#gate.resume()
  }

  /** Ends what is under way, gives the partitions back and leaves the group. May be called twice. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain()
    return this.#draining
  }

  /** How far the group is behind, over all its members. */
  async lag(): Promise<Lag> {
    const { broker, store, settings } = this.#parts
    const { topic, group } = this
    const { rows } = await store.database.query<{ partition: number; position: Position }>(
      `select partition, position from "${store.schema}".partitions where topic = $1 and grp = $2`,
      [topic, group]
    )
    const [lags, parked] = await Promise.all([
      Promise.all(rows.map(({ partition, position }) => broker.lag({ topic, group, partition }, position))),
      this.deadLetters.totals()
    ])
    const inHand = [...this.#workers.values()].flatMap(({ worker }) => worker.oldestInHand ?? [])
    const oldest = Math.min(...inHand, ...lags.flatMap(({ oldestAt }) => oldestAt ?? []))
    const messages = lags.reduce((sum, lag) => sum + lag.messages, 0)
    const seconds = messages > 0 && Number.isFinite(oldest) ? (settings.clock.wallNow() - oldest) / 1_000 : 0
    return { messages, seconds: Math.max(0, seconds), parked }
  }

  /**
   * Handles again what was published from there on, for the whole group. Every member's step of before is fenced out.
   * @throws UnsupportedError where the broker keeps nothing that was handled
   */
  async replay({ from }: { from: ReplayFrom }): Promise<void> {
    const { broker, store } = this.#parts
    const { seek } = broker
    if (!broker.capabilities.replay || !seek) {
      throw new UnsupportedError(
        `${broker.capabilities.name} keeps no message that was handled; nothing can be replayed`
      )
    }
    const positions = new Map<number, Position>()
    if (typeof from === 'object' && 'after' in from) positions.set(from.partition, from.after)
    else {
      for (let partition = 0; partition < this.#me.partitions; partition++) {
        positions.set(partition, await seek.call(broker, this.topic, partition, from))
      }
    }
    await store.database.transaction(tx => rewind(tx, store.schema, this.#me, positions))
    for (const partition of positions.keys()) this.#workers.get(partition)?.worker.stop()
    await Promise.all([...positions.keys()].map(partition => this.#workers.get(partition)?.ended))
    await this.#beat()
  }

  /** Makes a heartbeat now, after the one under way. */
  #beat(): Promise<void> {
    if (this.#beating) {
      this.#beatAgain = true
      return this.#beating
    }
    this.#parts.settings.clock.clearTimer(this.#timer)
    this.#beating = this.#beats().finally(() => {
      this.#beating = undefined
    })
    return this.#beating
  }

  async #beats(): Promise<void> {
    const { clock, leaseMs, worldBackoff, random } = this.#parts.settings
    let nextMs = leaseMs / 3
    do {
      this.#beatAgain = false
      if (this.#draining) return
      try {
        await this.#beatOnce()
        this.#beatFaults = 0
      } catch {
        // The store is away. Steps fail for the same reason and say so; a lease that runs out is fenced there.
        nextMs = Math.min(nextMs, delayOf(worldBackoff, ++this.#beatFaults, random))
      }
    } while (this.#beatAgain)
    if (this.#draining) return
    const timer = clock.setTimer(() => void this.#beat(), nextMs)
    this.#timer = timer
    if (timer instanceof Object && 'unref' in timer) (timer as NodeJS.Timeout).unref()
  }

  async #beatOnce(): Promise<void> {
    const { store } = this.#parts
    const { held, share } = await beat(store, this.#me)
    for (const [partition, { worker }] of this.#workers) {
      if (held.get(partition) !== worker.lease.fence) worker.stop()
      else worker.nudge()
    }
    for (const [partition, fence] of held) {
      // Kept by us and worked on by nobody: what was to give it back could not.
      if (this.#workers.has(partition)) continue
      await release(store, { ...this.#me, partition, fence })
    }
    const surplus = [...this.#workers.keys()]
      .toSorted((a, b) => b - a)
      .slice(0, Math.max(0, this.#workers.size - share))
    for (const partition of surplus) this.#workers.get(partition)?.worker.stop()
    await Promise.all(surplus.map(partition => this.#workers.get(partition)?.ended))
    for (const lease of await acquire(store, this.#me, share - this.#workers.size)) {
      // Its own worker of before may not have ended yet: then the next beat takes it.
      if (this.#workers.has(lease.partition)) await release(store, lease)
      else if (this.#draining) await release(store, lease)
      else this.#work(new PartitionWorker(lease, this.#workerParts))
    }
  }

  #work(worker: PartitionWorker): void {
    const { partition } = worker.lease
    const { onEvent } = this.#parts.settings
    onEvent({ kind: 'acquired', partition })
    const ended = worker.run().then(async why => {
      // A lease that could not be given back runs out by itself.
      if (why === 'stopped') await release(this.#parts.store, worker.lease).catch(() => undefined)
      this.#handledBefore += worker.handled
      this.#workers.delete(partition)
      onEvent({ kind: why === 'stopped' ? 'released' : 'lost', partition })
      if (why === 'lost' && !this.#draining) void this.#beat()
    })
    this.#workers.set(partition, { worker, ended })
  }

  async #drain(): Promise<void> {
    this.#parts.settings.clock.clearTimer(this.#timer)
    await this.#beating
    for (const { worker } of this.#workers.values()) worker.stop()
    await Promise.all([...this.#workers.values()].map(({ ended }) => ended))
    this.#gate.close()
    this.#stopListening()
    await leave(this.#parts.store, this.#me).catch(() => undefined)
    this.#closed = true
  }
}
