import type { Broker, Delivery, Position, Source } from '../broker.ts'
import { FencedError, WorldFaultError } from '../errors.ts'
import type { Wording } from '../message/message.ts'
import { Attempts, HandlerFailure } from './attempt.ts'
import type { Breath } from './breath.ts'
import type { Fault } from './fault.ts'
import type { Gate } from './gate.ts'
import { Inbox } from './inbox.ts'
import { Lanes } from './lanes.ts'
import type { Lookups } from './lookups.ts'
import { Progress, type Step } from './progress.ts'
import type { Handler, Settings } from './settings.ts'
import type { Settler } from './settler.ts'
import { beginSuspect, type ConsumerStore, type Lease } from './store.ts'
import { Units } from './units.ts'

export interface WorkerParts {
  broker: Broker
  store: ConsumerStore
  wording: Wording
  handler: Handler
  settings: Settings
  gate: Gate
  settler: Settler
  lookups: Lookups
  breath: Breath
}

/** One partition, while its lease lasts: one step at a time, so that the position moves without gaps and each key is in order. */
export class PartitionWorker {
  readonly lease: Lease
  handled = 0
  #parts: WorkerParts
  #position: Position
  #source: Source | undefined
  #buffer: Delivery[] = []
  #attempts: Attempts
  #lanes: Lanes
  #progress: Progress
  #inbox: Inbox | undefined
  #units: Units
  #careful: number
  #single = 0
  #stopping = new AbortController()
  #nudge = new AbortController()
  #faultedBy: 'broker' | 'step' | undefined

  constructor(lease: Lease, parts: WorkerParts) {
    this.lease = lease
    this.#parts = parts
    this.#position = lease.position
    this.#attempts = new Attempts(lease.topic, parts)
    this.#lanes = new Lanes(lease, parts.store, parts.settings, this.#attempts)
    this.#progress = new Progress({
      settle: steps =>
        parts.settler.settle({
          lease,
          position: steps.at(-1)!.unit.at(-1)!.position,
          handled: steps.reduce((sum, { handled }) => sum + handled, 0),
          ids: steps.flatMap(({ ids }) => ids)
        }),
      onSettled: steps => {
        for (const step of steps) this.#acknowledge(step)
      },
      onFault: () => this.#nudge.abort()
    })
    // A broker that keeps one of each id for ever, and positions: there the position alone says what was handled.
    const needsInbox = parts.broker.capabilities.dedupeWindowMs !== Number.POSITIVE_INFINITY
    this.#inbox = needsInbox ? new Inbox() : undefined
    this.#units = new Units({
      lease,
      store: parts.store,
      inbox: this.#inbox,
      attempts: this.#attempts,
      lanes: this.#lanes,
      flush: () => this.#progress.flush()
    })
    // What it died of is among those that may have been begun behind the position.
    const { batch, prefetch } = parts.settings
    this.#careful = lease.afterDeath ? batch + prefetch : 0
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
    this.#lanes.forget()
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
          do {
            progressed = await this.#step()
            if (progressed || this.#faultedBy === 'step') this.#succeeded()
          } while (progressed && gate.unwanted && !this.#stopping.signal.aborted)
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
      this.#attempts.close()
      await this.#progress.flush().catch(() => undefined)
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
    this.#lanes.forget()
  }

  async #closeSource(): Promise<void> {
    const source = this.#source
    this.#source = undefined
    this.#buffer = []
    await source?.close().catch(() => undefined)
  }

  /** Returns false when there was nothing to do. Rejects for the world's faults only. */
  async #step(): Promise<boolean> {
    const { settings } = this.#parts
    if (this.#progress.faulted) {
      await this.#progress.flush()
      return true
    }
    if (!this.#lanes.known) await this.#lanes.read()
    const retried = await this.#lanes.retryDue()
    if (retried !== undefined) {
      this.handled += retried
      return true
    }
    if (this.#buffer.length === 0) return false
    if (this.#inbox?.isKnown === false) {
      await this.#inbox.look(this.#parts.lookups, this.lease, this.#buffer, this.#progress.idsAhead())
    }
    const { batch } = settings
    const size = this.#careful > 0 || this.#single > 0 ? 1 : batch
    const unit = this.#buffer.slice(0, size)
    if (this.#careful > 0 && (await this.#diedOf(unit[0]!))) return true
    try {
      await this.#handle(unit)
    } catch (error) {
      this.#inbox?.forget()
      if (!(error instanceof HandlerFailure)) throw error
      const fault = this.#attempts.judge(error)
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
    const busy = this.#buffer.length > 0 || this.#progress.faulted
    if (this.#stopping.signal.aborted || busy || !this.#lanes.known) return
    const nudge = this.#nudge
    const untilDue = this.#lanes.dueAt - settings.clock.now()
    const timer =
      untilDue === Number.POSITIVE_INFINITY
        ? undefined
        : settings.clock.setTimer(() => nudge.abort(), Math.max(1, Math.ceil(untilDue)))
    try {
      const { prefetch } = settings
      this.#source ??= await broker.open(this.lease, { after: this.#position, prefetch })
      if (this.#faultedBy === 'broker') this.#succeeded()
      this.#buffer.push(...(await this.#source.next(prefetch, nudge.signal)))
      this.#inbox?.forget()
    } catch (error) {
      this.#worldFault(error, 'broker')
      // Its connection may be gone: what comes next is taken anew from the position.
      await this.#closeSource()
    } finally {
      if (timer !== undefined) settings.clock.clearTimer(timer)
    }
  }

  async #handle(unit: readonly Delivery[]): Promise<void> {
    const { handled, ids, isSettled } = await this.#units.handle(unit)
    const step = { unit, handled, ids, source: this.#source }
    this.#advance(unit)
    if (isSettled) return this.#acknowledge(step)
    // Only the position moves, and the ids: behind, and with others.
    this.#progress.add(step)
    await this.#progress.room(this.#careful > 0 ? 0 : this.#parts.settings.prefetch)
  }

  #acknowledge({ unit, handled, source }: Step): void {
    this.handled += handled
    // Lost or late, it only means that they come again.
    source?.ack(unit).catch(() => undefined)
  }

  #advance(unit: readonly Delivery[]): void {
    this.#position = unit.at(-1)!.position ?? this.#position
    this.#buffer.splice(0, unit.length)
  }

  async #parkFailed(delivery: Delivery, error: unknown, fault: Fault, attempts = 1): Promise<void> {
    const failure = this.#attempts.failureOf(error, attempts, fault)
    await this.#units.park(delivery, this.#attempts.laneOf(delivery.envelope), failure)
    this.#attempts.tell(delivery.envelope, error, failure, fault)
    this.#advance([delivery])
    this.#acknowledge({ unit: [delivery], handled: 0, ids: [], source: this.#source })
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
}
