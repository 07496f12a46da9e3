import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openScratch } from '@plimsoll/database/testing'
import { EventStore } from '../streams/event-store.ts'
import { EventFromFutureError, evolution } from './evolution.ts'

const split = ({ name }: { name: string }) => ({ first: name.split(' ')[0], last: name.split(' ')[1] })
const nested = ({ first, last }: { first: string; last: string }) => ({ name: { first, last } })

describe('evolution', () => {
  it('goes from any version to today’s, one after the other', () => {
    const { upcast, versionOf } = evolution({ upcasters: { named: [split, nested] } })
    const now = { type: 'named', data: { name: { first: 'Ann', last: 'Lee' } } }
    assert.deepEqual(upcast('named', 1, { name: 'Ann Lee' }), now)
    assert.deepEqual(upcast('named', 2, { first: 'Ann', last: 'Lee' }), now)
    assert.deepEqual(upcast('named', 3, now.data), now)
    assert.deepEqual([versionOf('named'), versionOf('other')], [3, 1])
  })
  it('refuses an event of a newer program, and to write what belongs to the past', () => {
    const { upcast, versionOf } = evolution({ renamed: { old: 'new' }, removed: ['gone'] })
    assert.throws(() => upcast('new', 2, {}), EventFromFutureError)
    assert.throws(() => versionOf('old'), /it is "new" now/)
    assert.throws(() => versionOf('gone'), RangeError)
    assert.throws(() => evolution({ renamed: { a: 'b', b: 'c' } }), RangeError)
    assert.throws(() => evolution({ renamed: { a: 'b' }, removed: ['a'] }), RangeError)
  })
})

describe('a store that has evolved', () => {
  it('reads events of all times as those of today, by stream, in order, by type and live', async t => {
    const database = await openScratch()
    t.after(() => database.close())
    await EventStore.migrate(database)
    const before = new EventStore({ database })
    const old = (type: string, data: unknown) => before.append('s', [{ type, data }], { expected: 'any' })
    await old('called', { name: 'Ann Lee' })
    await old('noise', {})
    await old('named', { name: 'Bob Day' })
    const store = new EventStore({
      database,
      evolution: { upcasters: { named: [split, nested] }, renamed: { called: 'named' }, removed: ['noise'] }
    })
    await store.append('s', [{ type: 'named', data: { name: { first: 'Cy', last: 'Fox' } } }], { expected: 3 })
    while ((await store.lag()).held > 0) await new Promise(setImmediate)
    const firsts = (events: readonly { type: string; data: unknown }[]) =>
      events.map(({ type, data }) => [type, (data as { name: { first: string } }).name.first])
    const expected = [
      ['named', 'Ann'],
      ['named', 'Bob'],
      ['named', 'Cy']
    ]
    assert.deepEqual(firsts(await Array.fromAsync(store.readStream('s'))), expected)
    assert.deepEqual(firsts(await Array.fromAsync(store.readAll())), expected)
    assert.deepEqual(firsts(await Array.fromAsync(store.readAll({ types: ['named'] }))), expected)
    const live = store.subscribe({})
    assert.deepEqual(firsts((await live.next()).value!.events), expected)
    await live.return(undefined)
    await assert.rejects(Array.fromAsync(before.readStream('s')), EventFromFutureError)
    await Promise.all([before.close(), store.close()])
  })
})
