import { isTransient, type Transaction } from '@plimsoll/database'
import type { Cursor } from '../entry.ts'
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

/** The state of a stream, now or at a moment: everything that happened to it, one after the other. */
export async function fold<State, Event extends DomainEvent>(
  { initial, evolve }: Pick<Decider<State, never, Event>, 'initial' | 'evolve'>,
  store: EventStore,
  stream: string,
  options: Pick<ReadStreamOptions, 'to' | 'at' | 'until' | 'tx'> = {}
): Promise<Folded<State>> {
  let [state, version] = [initial, 0]
  for await (const event of store.readStream(stream, options)) {
    state = evolve(state, event as unknown as Event)
    version = event.version
  }
  return { state, version }
}

export interface HandleOptions {
  metadata?: EventMetadata
  /** The caller's own transaction. One that is fenced cannot be saved by another try: begin it again. */
  tx?: Transaction
  /** Times to decide at most, 1 to 100. Default 5. */
  attempts?: number
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
  { metadata, tx, attempts = 5 }: HandleOptions = {}
): Promise<Handled<State, Event>> {
  if (!Number.isInteger(attempts) || attempts < 1 || attempts > 100) {
    throw new RangeError(`attempts is a whole number from 1 to 100, and not ${attempts}`)
  }
  for (let attempt = 1; ; attempt++) {
    const { state, version } = await fold(decider, store, stream, tx ? { tx } : {})
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
