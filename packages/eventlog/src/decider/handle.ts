import { DatabaseError, isTransient, type Transaction } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
import { isDue, type SnapshotPolicy } from '../snapshots/snapshot.ts'
import { WrongVersionError } from '../streams/errors.ts'
import type { EventMetadata } from '../streams/event.ts'
import type { EventStore } from '../streams/event-store.ts'
import type { ReadStreamOptions } from '../streams/read.ts'
import { type Decider, type DomainEvent, decided } from './decider.ts'

export interface Folded<State> {
  state: State
  /** Of the last event in it, 0 for none. */
  version: number
}

export interface FoldOptions extends Pick<ReadStreamOptions, 'to' | 'at' | 'until' | 'tx'> {
  /** Begin at a kept state, and keep one when it is time. Only for the state of now. */
  snapshots?: SnapshotPolicy
}

/** The state of a stream, now or at a moment: everything that happened to it, one after the other. */
export async function fold<State, Event extends DomainEvent>(
  decider: Pick<Decider<State, never, Event>, 'initial' | 'evolve'>,
  store: EventStore,
  stream: string,
  { snapshots, ...options }: FoldOptions = {}
): Promise<Folded<State>> {
  const { to, at, until, tx } = options
  const kept = to === undefined && at === undefined && until === undefined ? snapshots : undefined
  const last = kept && (await store.snapshot(stream, kept, tx))
  const range = last ? { ...options, from: last.version + 1 } : options
  let [state, version] = last ? [last.state as State, last.version] : [decider.initial, 0]
  const subjects = new Set(last?.subjects)
  for await (const events of store.readStreamPages(stream, range)) {
    for (const event of events) {
      state = decider.evolve(state, event as unknown as Event)
      version = event.version
      for (const subject of event.subjects) subjects.add(subject)
    }
  }
  // What a transaction sees may be undone; and a state that could not be kept costs time, and no answer.
  if (kept && !tx && isDue(kept, last, version)) {
    await store.keepSnapshot(stream, kept, { version, state, subjects: [...subjects] }).catch(error => {
      if (!(error instanceof DatabaseError)) throw error
    })
  }
  return { state, version }
}

export interface HandleOptions {
  metadata?: EventMetadata
  /** The caller's own transaction. One that is fenced cannot be saved by another try: begin it again. */
  tx?: Transaction
  /** Fold from kept states, and keep them. */
  snapshots?: SnapshotPolicy
  /** Times to decide at most, 1 to 100. Default 5. */
  attempts?: number
  /** Decide only if the stream has one of these versions: what the caller saw (HTTP's If-Match). Default: whatever it has. */
  expected?: readonly number[]
}

export interface Handled<State, Event> extends Folded<State> {
  events: readonly Event[]
  /** As of the append; undefined when nothing was decided. */
  cursor: Cursor | undefined
}

/**
 * Folds the stream, decides, and appends if nobody was faster; else it begins again, on what that one did.
 * @throws what `decide` throws; WrongVersionError when others were faster each time
 */
export async function handle<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  store: EventStore,
  stream: string,
  command: Command,
  { metadata, tx, snapshots, attempts = 5, expected }: HandleOptions = {}
): Promise<Handled<State, Event>> {
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 100) {
    throw new RangeError(`attempts is a whole number from 1 to 100, and not ${attempts}`)
  }
  for (let attempt = 1; ; attempt++) {
    const { state, version } = await fold(decider, store, stream, {
      ...(tx && { tx }),
      ...(snapshots && { snapshots })
    })
    if (expected && !expected.includes(version)) throw new WrongVersionError(stream, expected[0] ?? 0, version)
    const events = decided(decider.decide(command, state))
    if (events.length === 0) return { state, version, events, cursor: undefined }
    try {
      const options = { expected: version, ...(metadata && { metadata }), ...(tx && { tx }) }
      const { version: now, cursor } = await store.append(stream, events, options)
      return { state: events.map(asRead).reduce(decider.evolve, state), version: now, events, cursor }
    } catch (error) {
      const again = error instanceof WrongVersionError || (!tx && isTransient(error))
      if (!again || attempt === attempts) throw error
    }
  }
}

/** As the next reader gets it: what JSON does to a Date or an undefined is done to the state that is told, too. */
function asRead<Event extends DomainEvent>(event: Event): Event {
  return { ...event, data: JSON.parse(JSON.stringify(event.data ?? null)) }
}
