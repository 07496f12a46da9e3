import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StreamEvent } from '@plimsoll/eventlog'
import { given } from '@plimsoll/eventlog/testing'
import fc from 'fast-check'
import { TooManyFlagsError, UserDeletedError, UserErasedError, UserExistsError, UserNotFoundError } from './errors.ts'
import type { UserEvent } from './events.ts'
import { historyEntry } from './history.ts'
import { mostFlags, type User, type UserCommand, user } from './user.ts'

const id = '42'
const account = { email: 'ann@old.example', plan: 'free', region: 'eu-west' }
const registered: UserEvent = {
  type: 'user.registered',
  data: { userId: id, ...account, name: null, flags: { beta: true } }
}
const deleted: UserEvent = { type: 'user.deleted', data: { userId: id } }
const erased: UserEvent = { type: 'user.erased', data: { userId: id, reason: 'asked' } }

describe('a user', () => {
  it('is registered once, and an id is used once', () => {
    given(user)
      .when({ do: 'register', id, ...account, flags: { beta: true } })
      .then(registered)
    for (const history of [[registered], [registered, deleted], [registered, erased]])
      given(user, ...history)
        .when({ do: 'register', id, ...account })
        .thenRefused(UserExistsError)
  })

  it('changes from something to something, one event for each thing, all with the reason', () => {
    given(user, registered)
      .when({ do: 'change', id, email: 'ann@new.example', plan: 'pro', reason: 'asked by phone' })
      .then(
        {
          type: 'user.email-changed',
          data: { userId: id, reason: 'asked by phone', from: 'ann@old.example', to: 'ann@new.example' }
        },
        { type: 'user.plan-changed', data: { userId: id, reason: 'asked by phone', from: 'free', to: 'pro' } }
      )
    given(user, registered)
      .when({ do: 'change', id, ...account, flags: { beta: true } })
      .then()
  })

  it('has flags set and taken away one by one', () => {
    given(user, registered)
      .when({ do: 'change', id, flags: { beta: null, sso: false } })
      .then({ type: 'user.flags-changed', data: { userId: id, from: { beta: true }, to: { sso: false } } })
    const flags = Object.fromEntries(Array.from({ length: mostFlags }, (_, i) => [`f${i}`, true]))
    given(user, registered).when({ do: 'change', id, flags }).thenRefused(TooManyFlagsError)
  })

  it('is deleted once, and erased once, deleted or not', () => {
    given(user, registered).when({ do: 'delete', id }).then(deleted)
    given(user, registered, deleted).when({ do: 'delete', id }).then()
    given(user, registered, erased).when({ do: 'delete', id }).then()
    for (const history of [[registered], [registered, deleted]])
      given(user, ...history)
        .when({ do: 'erase', id, reason: 'asked' })
        .then(erased)
    given(user, registered, erased).when({ do: 'erase', id, reason: 'asked' }).then()
  })

  it('that is not there, or no more, is not changed', () => {
    const change: UserCommand = { do: 'change', id, plan: 'pro' }
    given(user).when(change).thenRefused(UserNotFoundError)
    given(user).when({ do: 'delete', id }).thenRefused(UserNotFoundError)
    given(user).when({ do: 'erase', id, reason: 'asked' }).thenRefused(UserNotFoundError)
    given(user, registered, deleted).when(change).thenRefused(UserDeletedError)
    given(user, registered, erased).when(change).thenRefused(UserErasedError)
  })

  it('is folded from what can still be read once the key is gone', () => {
    const gone = { $erased: 'user/42' }
    const state = [
      { ...registered, data: { ...registered.data, email: gone, name: gone } } as UserEvent,
      { type: 'user.email-changed', data: { userId: id, from: gone, to: gone, reason: gone } } as UserEvent
    ].reduce(user.evolve, user.initial)
    assert.deepEqual(
      [state.status, state.email, state.name, state.plan, state.erased],
      ['active', null, null, 'free', true]
    )
  })
})

const label = fc.constantFrom('free', 'pro', 'team')
const text = fc.constantFrom('a@b.example', 'c@d.example', 'e@f.example')
const flag = fc.constantFrom('beta', 'sso', 'x')
const command: fc.Arbitrary<UserCommand> = fc.oneof(
  fc.record({ do: fc.constant('register' as const), id: fc.constant(id), email: text, plan: label, region: label }),
  fc.record(
    {
      do: fc.constant('change' as const),
      id: fc.constant(id),
      email: text,
      name: fc.option(text),
      plan: label,
      region: label,
      flags: fc.dictionary(flag, fc.option(fc.boolean()), { maxKeys: 3, noNullPrototype: true })
    },
    { requiredKeys: ['do', 'id'] }
  ),
  { arbitrary: fc.constant<UserCommand>({ do: 'delete', id }), weight: 1 },
  { arbitrary: fc.constant<UserCommand>({ do: 'erase', id, reason: 'asked' }), weight: 1 }
)

/** A refused command changes nothing. */
function decide(state: User, asked: UserCommand): readonly UserEvent[] {
  try {
    return [user.decide(asked, state)].flat() as readonly UserEvent[]
  } catch {
    return []
  }
}

describe('any history of a user', () => {
  it('has changes that begin where the one before ended, and its history tells the state', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), commands => {
        let state = user.initial
        const told: Record<string, unknown> = {}
        for (const asked of commands) {
          for (const event of decide(state, asked)) {
            const stored = { ...event, version: 1, recordedAt: 0, metadata: {}, id: 'e' } as unknown as StreamEvent
            for (const { field, before, after } of historyEntry(stored).changes) {
              assert.deepEqual(before, told[field] ?? null, `${event.type} of ${field}`)
              assert.notDeepEqual(before, after)
              told[field] = after
            }
            state = user.evolve(state, event)
          }
        }
        if (state.status !== 'active') return
        const { email, name, plan, region, flags } = state
        assert.deepEqual([told.email, told.name ?? null, told.plan, told.region], [email, name, plan, region])
        const flagged = Object.entries(told).filter(([field, value]) => field.startsWith('flags.') && value !== null)
        assert.deepEqual(Object.fromEntries(flagged.map(([field, value]) => [field.slice(6), value])), { ...flags })
      })
    )
  })

  it('does with a command asked twice what it does with one', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 20 }), command, (commands, last) => {
        let state = user.initial
        for (const asked of commands) state = decide(state, asked).reduce(user.evolve, state)
        const after = decide(state, last).reduce(user.evolve, state)
        assert.deepEqual(decide(after, last), [])
      })
    )
  })
})
