import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { NewEvent } from './event.ts'
import type { EventStore } from './event-store.ts'
import { numbersOf, scratchStore, settled } from './scratch-store.ts'

const some = (count: number, data: unknown): NewEvent[] => Array.from({ length: count }, () => ({ type: 't', data }))

describe('a category that is rare in a large log', () => {
  let store: EventStore & AsyncDisposable
  before(async () => {
    store = await scratchStore()
    const rare = (n: number) => ({ stream: `rare/${n}`, events: some(1, n), expected: 'any' as const })
    await store.appendAll([rare(1)])
    await store.append('common/1', some(10_000, 0), { expected: 'any' })
    await store.appendAll([rare(2), { stream: 'common/2', events: some(50, 0), expected: 'any' }, rare(3)])
    await store.append('common/1', some(2_000, 0), { expected: 'any' })
    await store.appendAll([rare(4)])
    await store.append('common/3', some(10, 0), { expected: 'any' })
    await settled(store)
  })
  after(() => store[Symbol.asyncDispose]())

  it('is read in one look, and so is that nothing more of it comes: the log between is not looked through', async () => {
    const end = await store.cutAt()
    const page = await store.readPage({ category: 'rare' })
    assert.deepEqual([numbersOf(page.events), page.caughtUp, page.cursor], [[1, 2, 3, 4], true, end])
    const none = await store.readPage({ category: 'nothing' })
    assert.deepEqual([none.events, none.caughtUp, none.cursor], [[], true, end])
    const backward = await store.readPage({ category: 'rare', backward: true })
    assert.deepEqual([numbersOf(backward.events), backward.caughtUp], [[4, 3, 2, 1], true])
  })

  it('is read in pages, from and up to anywhere, also in the middle of a transaction', async () => {
    const [first, second, third] = (await store.readPage({ category: 'rare' })).events
    const read = async (options: Parameters<EventStore['readPage']>[0]) =>
      numbersOf((await store.readPage({ category: 'rare', ...options })).events)
    assert.deepEqual(await read({ batch: 2 }), [1, 2])
    assert.deepEqual(await read({ batch: 1, from: first! }), [2])
    assert.deepEqual(await read({ from: second! }), [3, 4])
    assert.deepEqual(await read({ until: second! }), [1, 2])
    assert.deepEqual(await read({ from: third!, backward: true }), [2, 1])
    assert.deepEqual((await store.readPage({ category: 'rare', until: second! })).cursor.position, second!.position)
  })

  it('is written down by programs of the version before, too', async () => {
    const { rows } = await store.database.query<{ starts: number[] }>(
      `select * from events.append(array['old/1'], array[true], array[0], array[1], array[-1], array[2], array[1, 1],
         array[1, 2], array[gen_random_uuid(), gen_random_uuid()], array['t', 't'], array[1, 1], array['{"a": "x,y"}', '2'],
         array[null, '{"actor": "ann"}'])`
    )
    assert.deepEqual(rows[0]!.starts, [0])
    await settled(store)
    const { events } = await store.readPage({ category: 'old' })
    assert.deepEqual(
      events.map(({ data, metadata }) => [data, metadata]),
      [
        [{ a: 'x,y' }, {}],
        [2, { actor: 'ann' }]
      ]
    )
  })
})
