/** What happened, as a domain names it. */
export interface DomainEvent {
  type: string
  data: unknown
}

/**
 * What a thing may do: pure functions, without a store, a clock or a network. Jérémie Chassaing's decider (2021), by way of
 * Emmett. `initial` and every state are values: `evolve` gives a new one and changes none.
 */
export interface Decider<State, Command, Event extends DomainEvent> {
  initial: State
  /** The events that the command leads to; none when it changes nothing. Throws when it is refused. */
  decide(command: Command, state: State): Event | readonly Event[]
  /** The state after the event. Must take every event that was ever written, and so must not throw. */
  evolve(state: State, event: Event): State
}

/** Gives the types of its three functions one place to be inferred from, and checks that they are there. */
export function decider<State, Command, Event extends DomainEvent>(
  definition: Decider<State, Command, Event>
): Decider<State, Command, Event> {
  for (const name of ['decide', 'evolve'] as const) {
    if (typeof definition[name] !== 'function') throw new TypeError(`a decider needs the function ${name}`)
  }
  if (!('initial' in definition)) throw new TypeError('a decider needs an initial state')
  return definition
}

/** One list, whether `decide` gave one event, several or none. */
export function decided<Event extends DomainEvent>(outcome: Event | readonly Event[]): readonly Event[] {
  return Array.isArray(outcome) ? (outcome as readonly Event[]) : [outcome as Event]
}
