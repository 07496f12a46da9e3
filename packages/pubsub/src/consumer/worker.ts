import { DatabaseError, isTransient, isUnavailable, type Transaction } from '@plimsoll/database'
import type { Broker, Delivery, Position, Source } from '../broker.ts'
import { FencedError, HandlerTimeoutError, WorldFaultError } from '../errors.ts'
import { type Message, messageOf, type Wording } from '../message/message.ts'
import { delayOf, type Fault, faultOf } from './fault.ts'
import type { Gate } from './gate.ts'
import {
  blockedLanes,
  type Due,
  type Failure,
  failAgain,
  giveBack,
  type Parking,
  park,
  readLanes,
  takeDue,
  unpark
} from './parking.ts'
import type { Handler, Settings } from './settings.ts'
import { beginSuspect, type ConsumerStore, knownIds, type Lease, rememberIds, settlePartition } from './store.ts'

export interface WorkerParts {
  broker: Broker
  store: ConsumerStore
  wording: Wording
  handler: Handler
  settings: Settings
  gate: Gate
}

/** What came of the handler, to be told from our own statements, whose faults are always the world's. */
class HandlerFailure extends Error {
  constructor(cause: unknown) {
    super('the handler failed', { cause })
  }
}

/**
 * The handler's doing shows late, too: a statement that it swallowed dooms the transaction, a deferred constraint refuses the
 * commit. Of what is ours only an id that another owner has handled meanwhile is refused for good.
 */
function blame(error: unknown): unknown {
  const ours = error instanceof HandlerFailure || error instanceof FencedError
  if (ours || isUnavailable(error) || isTransient(error)) return error
  if (error instanceof DatabaseError && error.constraint === 'inbox_pkey') return error
  return new HandlerFailure(error)
}

/**
 * One partition, while its lease lasts: one step at a time, so that the position moves without gaps and each key is in order.
 * A step is some messages, their handlers' changes, the ids that are now handled, what had to be parked and the new position,
 * in one transaction of the consumer's database.
 */
export class PartitionWorker {
  readonly lease: Lease
  handled = 0
  #parts: WorkerParts
  #position: Position
  #source: Source | undefined
  #buffer: Delivery[] = []
  /** Lanes in which something may wait: all that have, and some that had. */
  #lanes = new Set<string>()
  #dueAt = Number.POSITIVE_INFINITY
  #careful: number
  #single = 0
  #stopping = new AbortController()
  #nudge = new AbortController()
  #lanesKnown = false
  #faultedBy: 'broker' | 'step' | undefined

  constructor(lease: Lease, parts: WorkerParts) {
    this.lease = lease
    this.#parts = parts
    this.#position = lease.position
    this.#careful = lease.afterDeath ? parts.settings.batch : 0
  }

  /** The oldest message that is in this process and not handled, in milliseconds since 1970. */
  get oldestInHand(): number | null {
    return this.#buffer[0]?.publishedAt ?? null
  }

  get position(): Position {
    return this.#position
  }

  get parkedLanes(): number {
    return this.#lanes.size
  }

  /** Ends at the end of the step under way. */
  stop(): void {
    this.#stopping.abort()
    this.#nudge.abort()
  }

  /** Something was decided about what is parked: look. */
  nudge(): void {
    this.#lanesKnown = false
    this.#nudge.abort()
  }

  /** Resolves with why it ended: it was stopped, or the partition is somebody else's. */
  async run(): Promise<'stopped' | 'lost'> {
    const { gate } = this.#parts
    try {
      while (!this.#stopping.signal.aborted) {
        const leave = await gate.enter(this.#stopping.signal)
        if (!leave) break
        let progressed = true
        try {
          progressed = await this.#step()
          if (progressed || this.#faultedBy === 'step') this.#succeeded()
        } catch (error) {
          if (error instanceof FencedError) return 'lost'
          this.#worldFault(error, 'step')
        } finally {
          leave()
        }
        if (!progressed) await this.#wait()
      }
      return 'stopped'
    } finally {
      await this.#closeSource()
    }
  }

  #succeeded(): void {
    const { gate, settings } = this.#parts
    this.#faultedBy = undefined
    if (gate.succeeded()) settings.onEvent({ kind: 'recovered' })
  }

  #worldFault(error: unknown, by: 'broker' | 'step'): void {
    this.#faultedBy = by
    const told = error instanceof HandlerFailure ? error.cause : error
    const retryAfterMs = told instanceof WorldFaultError ? told.retryAfterMs : undefined
    const retryInMs = this.#parts.gate.worldFault(retryAfterMs)
    this.#parts.settings.onEvent({ kind: 'waiting', error: told, retryInMs })
    this.#lanesKnown = false
  }

  async #closeSource(): Promise<void> {
    const source = this.#source
    this.#source = undefined
    this.#buffer = []
    await source?.close().catch(() => undefined)
  }

  /** Returns false when there was nothing to do. Rejects for the world's faults only. */
  async #step(): Promise<boolean> {
    const { store, settings } = this.#parts
    if (!this.#lanesKnown) {
      const { lanes, dueInMs } = await readLanes(store, this.lease)
      this.#lanes = lanes
      this.#dueIn(dueInMs)
      this.#lanesKnown = true
    }
    if (settings.clock.now() >= this.#dueAt && (await this.#retryDue())) return true
    if (this.#buffer.length === 0) return false
    const { batch } = settings
    const size = this.#careful > 0 || this.#single > 0 ? 1 : batch
    const unit = this.#buffer.slice(0, size)
    if (this.#careful > 0 && (await this.#diedOf(unit[0]!))) return true
    try {
      await this.#commit(unit)
    } catch (error) {
      if (!(error instanceof HandlerFailure)) throw error
      const fault = this.#judge(error.cause)
      if (fault === 'world') throw error
      if (unit.length > 1) {
        this.#single = unit.length
        return true
      }
      await this.#parkFailed(unit[0]!, error.cause, fault)
    }
    this.#single = Math.max(0, this.#single - unit.length)
    this.#careful = Math.max(0, this.#careful - unit.length)
    return true
  }

  async #wait(): Promise<void> {
    const { broker, settings } = this.#parts
    this.#nudge = new AbortController()
    if (this.#stopping.signal.aborted || this.#buffer.length > 0 || !this.#lanesKnown) return
    const nudge = this.#nudge
    const untilDue = this.#dueAt - settings.clock.now()
    const timer =
      untilDue === Number.POSITIVE_INFINITY
        ? undefined
        : settings.clock.setTimer(() => nudge.abort(), Math.max(1, Math.ceil(untilDue)))
    try {
      const { prefetch } = settings
      this.#source ??= await broker.open(this.lease, { after: this.#position, prefetch })
      if (this.#faultedBy === 'broker') this.#succeeded()
      this.#buffer.push(...(await this.#source.next(prefetch, nudge.signal)))
    } catch (error) {
      this.#worldFault(error, 'broker')
      // Its connection may be gone: what comes next is taken anew from the position.
      await this.#closeSource()
    } finally {
      if (timer !== undefined) settings.clock.clearTimer(timer)
    }
  }

  /** Handles a unit, parks what is behind a failed one of its lane, and moves the position, all or nothing. */
  async #commit(unit: readonly Delivery[]): Promise<void> {
    const { broker, store } = this.#parts
    const { database, schema } = store
    const ids = unit.map(({ envelope }) => envelope.id)
    // A broker that keeps one of each id for ever, and positions: the position alone says what was handled.
    const needsInbox = broker.capabilities.dedupeWindowMs !== Number.POSITIVE_INFINITY
    const suspectLanes = unit.map(delivery => this.#laneOf(delivery)).filter(lane => this.#lanes.has(lane))
    let fresh = 0
    let parkings: Parking[] = []
    const position = unit.at(-1)!.position
    await database
      .transaction(async tx => {
        const known = needsInbox ? await knownIds(tx, schema, this.lease, ids) : new Set<string>()
        const blocked =
          suspectLanes.length === 0 ? new Set<string>() : await blockedLanes(tx, schema, this.lease, suspectLanes)
        const taken: string[] = []
        parkings = []
        for (const delivery of unit) {
          const { id } = delivery.envelope
          if (known.has(id)) continue
          known.add(id)
          taken.push(id)
          const lane = this.#laneOf(delivery)
          if (blocked.has(lane)) parkings.push({ delivery, lane, failure: null })
          else await this.#handle(tx, delivery, 1)
        }
        fresh = taken.length
        await park(tx, schema, this.lease, parkings)
        if (needsInbox) await rememberIds(tx, schema, this.lease, taken)
        await settlePartition(tx, schema, this.lease, position, fresh)
      })
      .catch(error => {
        throw blame(error)
      })
    for (const lane of suspectLanes) if (!parkings.some(each => each.lane === lane)) this.#lanesKnown = false
    await this.#settled(unit, fresh - parkings.length)
  }

  async #settled(unit: readonly Delivery[], handled: number): Promise<void> {
    this.handled += handled
    this.#position = unit.at(-1)!.position ?? this.#position
    this.#buffer.splice(0, unit.length)
    // Lost or late, it only means that they come again.
    await this.#source?.ack(unit).catch(() => undefined)
  }

  async #handle(tx: Transaction, delivery: Pick<Delivery, 'envelope'>, attempt: number): Promise<void> {
    const { handler, settings, wording } = this.#parts
    const { clock, handlerTimeoutMs } = settings
    const controller = new AbortController()
    const late = Promise.withResolvers<never>()
    const timer = clock.setTimer(() => {
      const error = new HandlerTimeoutError(handlerTimeoutMs)
      controller.abort(error)
      late.reject(error)
    }, handlerTimeoutMs)
    try {
      const message: Message = messageOf(this.lease.topic, delivery.envelope, wording)
      await Promise.race([handler(message, { tx, attempt, signal: controller.signal }), late.promise])
    } catch (error) {
      throw new HandlerFailure(error)
    } finally {
      clock.clearTimer(timer)
    }
  }

  #judge(error: unknown): Fault {
    return this.#parts.settings.faultOf(error) ?? faultOf(error)
  }

  #laneOf({ envelope }: Pick<Delivery, 'envelope'>): string {
    const { id, key } = envelope
    return key === null || this.#parts.settings.ordered === 'none' ? `id:${id}` : `key:${key}`
  }

  #failureOf(error: unknown, attempts: number, fault: Fault): Failure {
    const { maxAttempts, backoff, random } = this.#parts.settings
    const over = fault === 'poison' || attempts >= maxAttempts
    const { message, code } = error as { message?: unknown; code?: unknown }
    return {
      text: String(message ?? error).slice(0, 2_000),
      code: typeof code === 'string' ? code.slice(0, 100) : null,
      attempts,
      retryInMs: over ? null : delayOf(backoff, attempts, random)
    }
  }

  async #parkFailed(delivery: Delivery, error: unknown, fault: Fault, attempts = 1): Promise<void> {
    const { database, schema } = this.#parts.store
    const lane = this.#laneOf(delivery)
    const failure = this.#failureOf(error, attempts, fault)
    await database.transaction(async tx => {
      await park(tx, schema, this.lease, [{ delivery, lane, failure }])
      if (this.#parts.broker.capabilities.dedupeWindowMs !== Number.POSITIVE_INFINITY) {
        await rememberIds(tx, schema, this.lease, [delivery.envelope.id])
      }
      await settlePartition(tx, schema, this.lease, delivery.position, 0)
    })
    this.#lanes.add(lane)
    this.#tellFailed(delivery.envelope, error, failure, fault)
    if (failure.retryInMs !== null) this.#dueIn(failure.retryInMs, true)
    await this.#settled([delivery], 0)
  }

  #tellFailed(envelope: { id: string; key: string | null }, error: unknown, failure: Failure, fault: Fault): void {
    const { onEvent } = this.#parts.settings
    const { id, key } = envelope
    const { attempts } = failure
    onEvent({ kind: 'failed', id, key, attempts, fault, error })
    if (failure.retryInMs === null) onEvent({ kind: 'dead', id, key, attempts, error })
  }

  /** After a consumer's death each message is announced before it is tried. Returns true when this one was the cause. */
  async #diedOf(delivery: Delivery): Promise<boolean> {
    const { store, settings } = this.#parts
    const attempts = await beginSuspect(store, this.lease, delivery.envelope.id)
    if (attempts <= settings.maxAttempts) return false
    const error = new Error(`its consumer died each time it was tried, ${attempts - 1} times`)
    await this.#parkFailed(delivery, error, 'poison', attempts - 1)
    return true
  }

  #dueIn(ms: number | null, orEarlier = false): void {
    const at = ms === null ? Number.POSITIVE_INFINITY : this.#parts.settings.clock.now() + ms
    this.#dueAt = orEarlier ? Math.min(this.#dueAt, at) : at
  }

  /** Tries the head of a lane that is due. Returns false when none was. */
  async #retryDue(): Promise<boolean> {
    const { store, settings } = this.#parts
    const due = await takeDue(store, this.lease)
    if (!due) {
      const { lanes, dueInMs } = await readLanes(store, this.lease)
      this.#lanes = lanes
      this.#dueIn(dueInMs)
      return false
    }
    if (due.attempts > settings.maxAttempts) {
      const error = new Error(`its consumer died while it was tried`)
      await this.#failDue(due, error, 'poison', due.attempts - 1)
      return true
    }
    try {
      await this.#commitDue(due)
    } catch (error) {
      if (!(error instanceof HandlerFailure)) throw error
      const fault = this.#judge(error.cause)
      if (fault === 'world') {
        await giveBack(store, due.number)
        throw error
      }
      await this.#failDue(due, error.cause, fault, due.attempts)
    }
    return true
  }

  async #commitDue(due: Due): Promise<void> {
    const { database, schema } = this.#parts.store
    let more = false
    await database
      .transaction(async tx => {
        await this.#handle(tx, due, due.attempts)
        more = await unpark(tx, schema, this.lease, due)
        await settlePartition(tx, schema, this.lease, null, 1)
      })
      .catch(error => {
        throw blame(error)
      })
    this.handled++
    if (!more) this.#lanes.delete(due.lane)
    this.#dueIn(0, true)
  }

  async #failDue(due: Due, error: unknown, fault: Fault, attempts: number): Promise<void> {
    const { database, schema } = this.#parts.store
    const failure = this.#failureOf(error, attempts, fault)
    await database.transaction(async tx => {
      await failAgain(tx, schema, due.number, failure)
      await settlePartition(tx, schema, this.lease, null, 0)
    })
    this.#tellFailed(due.envelope, error, failure, fault)
    this.#lanesKnown = false
  }
}
