import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import fc from 'fast-check'
import { account } from '../decider/account.ts'
import { fold, handle } from '../decider/handle.ts'
import { EventStore } from '../streams/event-store.ts'
import type { SnapshotPolicy } from './snapshot.ts'

describe('a snapshot', () => {
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
  const policy = (over: Partial<SnapshotPolicy> = {}): SnapshotPolicy => ({
    name: 'account',
    shape: '1',
    every: 3,
    ...over
  })
  const deposit = async (stream: string, count: number) => {
    const events = Array.from({ length: count }, () => ({ type: 'money.in', data: { amount: 1 } }))
    await store.append(stream, events, { expected: 'any' })
  }
  const kept = async (stream: string, over?: Partial<SnapshotPolicy>) =>
    (await store.snapshot(stream, policy(over)))?.version
  const balance = async (stream: string, over?: Partial<SnapshotPolicy>) =>
    (await fold(account, store, stream, { snapshots: policy(over) })).state.balance

  it('is kept every so many events, and the fold begins there', async () => {
    await deposit('a', 2)
    assert.deepEqual([await balance('a'), await kept('a')], [2, undefined])
    await deposit('a', 1)
    assert.deepEqual([await balance('a'), await kept('a')], [3, 3])
    await deposit('a', 2)
    assert.deepEqual([await balance('a'), await kept('a')], [5, 3])
    await db.query(`update events.snapshots set state = '{"s":{"balance":100}}' where stream = 'a'`)
    assert.equal(await balance('a'), 102, 'only what came since is read')
  })

  it('is kept by age, when something came since', async () => {
    let now = 1_000_000
    const aged = { every: 1_000, maxAgeMs: 60_000, now: () => now }
    await deposit('b', 1)
    await balance('b', { ...aged, every: 1 })
    await deposit('b', 1)
    await balance('b', aged)
    assert.equal(await kept('b'), 1)
    now += 60_000
    await balance('b', aged)
    assert.equal(await kept('b'), 2)
  })

  it('of another shape, or folded with other upcasters, is not used', async () => {
    await deposit('c', 3)
    await balance('c')
    await db.query(`update events.snapshots set state = '{"s":{"balance":100}}' where stream = 'c'`)
    assert.equal(await balance('c', { shape: '2' }), 3)
    assert.equal(await kept('c', { shape: '2' }), 3, 'and gives way to one of today')
    const evolved = new EventStore({ database: db, evolution: { removed: ['money.in'] } })
    assert.equal((await fold(account, evolved, 'c', { snapshots: policy({ shape: '2' }) })).state.balance, 0)
    await evolved.close()
  })

  it('is refused where JSON would make another state of it', async () => {
    await deposit('e', 1)
    const dated = { initial: new Date(0), evolve: (state: Date) => state }
    await assert.rejects(fold(dated, store, 'e', { snapshots: policy({ every: 1 }) }), TypeError)
  })

  it('is not taken for the past', async () => {
    await deposit('d', 6)
    await balance('d')
    assert.equal((await fold(account, store, 'd', { to: 2, snapshots: policy() })).state.balance, 2)
  })

  it('changes no state and no decision, for any history', async () => {
    let run = 0
    const command = fc.record({ do: fc.constantFrom('deposit' as const, 'withdraw' as const), amount: fc.nat(9) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        async (commands, every) => {
          const [plain, quick] = [`plain/${++run}`, `quick/${run}`]
          for (const each of commands) {
            const [one, other] = await Promise.allSettled([
              handle(account, store, plain, each),
              handle(account, store, quick, each, { snapshots: policy({ every }) })
            ])
            assert.equal(one.status, other.status)
          }
          const without = await fold(account, store, quick)
          assert.deepEqual(await fold(account, store, quick, { snapshots: policy({ every }) }), without)
          assert.deepEqual((await fold(account, store, plain)).state, without.state)
        }
      ),
      { numRuns: 15 }
    )
  })
})
