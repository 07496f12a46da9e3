import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { type Cursor, start } from '../entry.ts'
import { CheckpointMovedError } from './errors.ts'
import { isAfter } from './event.ts'
import type { EventStore } from './event-store.ts'
import { scratchStore } from './scratch-store.ts'

describe('a checkpoint', () => {
  let store: EventStore & AsyncDisposable
  before(async () => {
    store = await scratchStore()
  })
  after(() => store[Symbol.asyncDispose]())
  const at = (position: number): Cursor => ({ xid: '7', position })
  const move = (from: Cursor, to: Cursor) =>
    store.database.transaction(tx => store.moveCheckpoint(tx, { name: 'mail', from, to }))

  it('moves from where it was found, and only from there', async () => {
    assert.deepEqual(await store.checkpoint('mail'), start)
    await assert.rejects(move(at(1), at(2)), CheckpointMovedError)
    await move(start, at(1))
    await assert.rejects(move(start, at(9)), { code: 'PLIMSOLL_CHECKPOINT_MOVED' })
    await move(at(1), at(2))
    assert.deepEqual(await store.checkpoint('mail'), at(2))
  })

  it('lets one of many through, and with it what that one wrote', async () => {
    await store.database.exec('create table mails (n int)')
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, (_, n) =>
        store.database.transaction(async tx => {
          await tx.query('insert into mails values ($1)', [n])
          await store.moveCheckpoint(tx, { name: 'new', from: start, to: at(n + 1) })
        })
      )
    )
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    const { rows } = await store.database.query<{ n: number }>('select n from mails')
    assert.deepEqual(
      rows.map(({ n }) => at(n + 1)),
      [await store.checkpoint('new')]
    )
  })

  it('is a place in the order, which goes by number', () => {
    const cursors = fc.record({ xid: fc.bigInt({ min: 0n, max: 2n ** 63n }).map(String), position: fc.nat() })
    fc.assert(
      fc.property(cursors, cursors, (a, b) => {
        const same = a.xid === b.xid && a.position === b.position
        return isAfter(a, b) !== isAfter(b, a) || same
      })
    )
    assert.ok(isAfter({ xid: '100', position: 1 }, { xid: '99', position: 2 }))
  })
})
