import assert from 'node:assert/strict'
import { type Decider, type DomainEvent, decided } from './decider.ts'

export interface When<Command, Event> {
  when(command: Command): Then<Event>
}

export interface Then<Event> {
  /** These events and no other, in this order. Without any: nothing happens. */
  then(...events: Event[]): void
  /** The command is refused; `expected` is what `assert.throws` takes. */
  thenRefused(expected: RegExp | object | (new (...args: never[]) => Error)): void
}

/**
 * A decider's specification: given what happened, when this is asked, then that happens. States are frozen, so that an
 * `evolve` or `decide` that changes one fails.
 */
export function given<State, Command, Event extends DomainEvent>(
  decider: Decider<State, Command, Event>,
  ...history: Event[]
): When<Command, Event> {
  return {
    when(command) {
      const decide = () => {
        let state = frozen(decider.initial)
        for (const event of history) state = frozen(decider.evolve(state, frozen(event)))
        return decided(decider.decide(command, state))
      }
      return {
        // biome-ignore lint/suspicious/noThenProperty: see above
        then: (...events) => assert.deepEqual(decide(), events),
        thenRefused: expected => assert.throws(decide, expected as RegExp)
      }
    }
  }
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) frozen(inner)
  }
  return value
}
