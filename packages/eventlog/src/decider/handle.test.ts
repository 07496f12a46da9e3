import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { WrongVersionError } from '../streams/errors.ts'
import { EventStore } from '../streams/event-store.ts'
import { account, OverdrawnError } from './account.ts'
import { type Decider, type DomainEvent, decider } from './decider.ts'
import { given } from './given.ts'
import { fold, handle } from './handle.ts'

describe('an account', () => {
  const opened = { type: 'account.opened' as const, data: { owner: 'ann' } }
  const paid = (amount: number) => ({ type: 'money.in' as const, data: { amount } })

  it('opens once', () => {
    given(account).when({ do: 'open', owner: 'ann' }).then(opened)
    given(account, opened).when({ do: 'open', owner: 'bob' }).then()
  })
  it('gives what it has and no more', () => {
    given(account, opened, paid(5), paid(2))
      .when({ do: 'withdraw', amount: 7 })
      .then({ type: 'money.out', data: { amount: 7 } })
    given(account, opened, paid(5)).when({ do: 'withdraw', amount: 7 }).thenRefused(OverdrawnError)
  })
})

describe('given, when, then', () => {
  it('fails when something else happens, when nothing is refused, and when a state is changed in place', () => {
    const deposit = { do: 'deposit' as const, amount: 1 }
    assert.throws(() => given(account).when(deposit).then(), assert.AssertionError)
    assert.throws(() => given(account).when(deposit).thenRefused(Error), assert.AssertionError)
    const careless = decider<{ list: number[] }, null, { type: 'n'; data: number }>({
      initial: { list: [] },
      decide: () => [],
      evolve(state, event) {
        state.list.push(event.data)
        return state
      }
    })
    assert.throws(() => given(careless, { type: 'n', data: 1 }).when(null).then(), TypeError)
  })
})

describe('handle', () => {
  let db: Database
  let store: EventStore
  before(async () => {
    db = await openScratch()
    await EventStore.migrate(db)
    store = new EventStore({ database: db })
  })
  after(async () => {
    await store.close()
    await db.close()
  })

  it('decides on what happened, appends it, and tells the state after it', async () => {
    const open = await handle(account, store, 'account/1', { do: 'open', owner: 'ann' }, { metadata: { actor: 'ann' } })
    assert.deepEqual([open.state, open.version], [{ owner: 'ann', balance: 0 }, 1])
    await handle(account, store, 'account/1', { do: 'deposit', amount: 5 })
    const out = await handle(account, store, 'account/1', { do: 'withdraw', amount: 3 })
    assert.deepEqual([out.state.balance, out.version, out.events.length], [2, 3, 1])
    await assert.rejects(handle(account, store, 'account/1', { do: 'withdraw', amount: 3 }), OverdrawnError)
    const again = await handle(account, store, 'account/1', { do: 'open', owner: 'bob' })
    assert.deepEqual([again.events, again.cursor, again.version], [[], undefined, 3])
    assert.deepEqual(await fold(account, store, 'account/1'), { state: { owner: 'ann', balance: 2 }, version: 3 })
    const [first] = await Array.fromAsync(store.readStream('account/1'))
    assert.equal(first!.metadata.actor, 'ann')
  })

  it('never lets two spend the same money', async () => {
    await handle(account, store, 'account/2', { do: 'deposit', amount: 3 })
    const spend = () => handle(account, store, 'account/2', { do: 'withdraw', amount: 1 }, { attempts: 20 })
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, spend))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3)
    for (const o of outcomes) if (o.status === 'rejected') assert.ok(o.reason instanceof OverdrawnError, o.reason)
    assert.equal((await fold(account, store, 'account/2')).state.balance, 0)
  })

  it('begins again as often as it was told to, and no more', async () => {
    let decisions = 0
    const rivalled: Pick<EventStore, 'append' | 'readStreamPages'> = {
      readStreamPages: store.readStreamPages.bind(store),
      async append(stream, events, options) {
        decisions++
        await store.append(stream, [{ type: 'money.in', data: { amount: 1 } }], { expected: 'any' })
        return store.append(stream, events, options)
      }
    }
    const deposit = handle(account, rivalled as EventStore, 'account/3', { do: 'deposit', amount: 1 }, { attempts: 3 })
    await assert.rejects(deposit, WrongVersionError)
    assert.equal(decisions, 3)
    await assert.rejects(handle(account, store, 'x', { do: 'deposit', amount: 1 }, { attempts: 0 }), RangeError)
  })

  it('decides only at a version that the caller saw, where one is named', async () => {
    const deposit = { do: 'deposit' as const, amount: 1 }
    const at = (...expected: number[]) => handle(account, store, 'account/5', deposit, { expected })
    await assert.rejects(at(1), WrongVersionError)
    assert.equal((await at(0)).version, 1)
    assert.equal((await at(7, 1)).version, 2)
    await assert.rejects(at(), WrongVersionError)
    const both = await Promise.allSettled([at(2), at(2)])
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'], 'one of two who saw the same')
    assert.equal((await fold(account, store, 'account/5')).version, 3)
  })

  it('works in the caller’s own transaction', async () => {
    await assert.rejects(
      db.transaction(async tx => {
        await handle(account, store, 'account/4', { do: 'deposit', amount: 1 }, { tx })
        const { state } = await handle(account, store, 'account/4', { do: 'deposit', amount: 1 }, { tx })
        assert.equal(state.balance, 2)
        throw new Error('undone')
      }),
      /undone/
    )
    assert.equal((await fold(account, store, 'account/4')).version, 0)
  })

  it('refuses half a decider', () => {
    const half = { initial: 0, decide: () => [] } as unknown as Decider<number, null, DomainEvent>
    assert.throws(() => decider(half), TypeError)
    assert.throws(() => decider({ decide: () => [], evolve: () => 0 } as never), TypeError)
  })
})
