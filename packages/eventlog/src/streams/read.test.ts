import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { start } from '../entry.ts'
import type { EventStore } from './event-store.ts'
import { numbered, numbersOf, scratchStore, settled } from './scratch-store.ts'

const made = numbered()
const { event } = made

describe('reading', () => {
  let store: EventStore & AsyncDisposable
  before(async () => {
    store = await scratchStore()
    made.reset()
    for (const [stream, type] of [
      ['order/1', 'placed'],
      ['order/2', 'placed'],
      ['orders', 'listed'],
      ['bank-account/7', 'opened'],
      ['order', 'numbered'],
      ['order/1', 'paid'],
      ['order/1', 'sent']
    ] as const) {
      await store.append(stream, [event(type)], { expected: 'any' })
    }
    await settled(store)
  })
  after(() => store[Symbol.asyncDispose]())
  const all = async (options: Parameters<EventStore['readAll']>[0] = {}) =>
    numbersOf(await Array.fromAsync(store.readAll(options)))
  const stream = async (options: Parameters<EventStore['readStream']>[1] = {}) =>
    numbersOf(await Array.fromAsync(store.readStream('order/1', options)))

  it('of one stream goes forward and backward, from a version to a version, in pages of any size', async () => {
    for (const batch of [1, 2, 3, 1_000]) {
      assert.deepEqual(await stream({ batch }), [1, 6, 7])
      assert.deepEqual(await stream({ batch, backward: true }), [7, 6, 1])
    }
    assert.deepEqual(
      [await stream({ from: 2 }), await stream({ to: 2 }), await stream({ from: 4 })],
      [[6, 7], [1, 6], []]
    )
    assert.deepEqual(await stream({ from: 1, to: 2, backward: true, batch: 1 }), [6, 1])
    assert.deepEqual(await Array.fromAsync(store.readStream('nothing')), [])
  })

  it('of everything goes forward and backward, from anywhere', async () => {
    for (const batch of [1, 2, 7, 1_000]) {
      assert.deepEqual(await all({ batch }), [1, 2, 3, 4, 5, 6, 7])
      assert.deepEqual(await all({ batch, backward: true }), [7, 6, 5, 4, 3, 2, 1])
    }
    const third = (await Array.fromAsync(store.readAll()))[2]!
    assert.deepEqual(await all({ from: third }), [4, 5, 6, 7])
    assert.deepEqual(await all({ from: third, backward: true }), [2, 1])
    assert.deepEqual(await all({ until: third }), [1, 2, 3])
    assert.deepEqual(await all({ until: third, backward: true }), [7, 6, 5, 4])
  })

  it('of a category takes what stands before the slash, whatever dashes are in it', async () => {
    for (const batch of [1, 2, 1_000]) {
      assert.deepEqual(await all({ category: 'order', batch }), [1, 2, 5, 6, 7])
      assert.deepEqual(await all({ category: 'order', batch, backward: true }), [7, 6, 5, 2, 1])
    }
    assert.deepEqual([await all({ category: 'bank-account' }), await all({ category: 'bank' })], [[4], []])
  })

  it('of some types, alone and with a category', async () => {
    assert.deepEqual(await all({ types: ['placed', 'listed'] }), [1, 2, 3])
    assert.deepEqual(await all({ types: ['placed', 'listed'], category: 'order' }), [1, 2])
    assert.deepEqual(await all({ types: [] }), [])
  })

  it('passes over what a filter leaves out, so that the next look begins behind it', async () => {
    const page = await store.readPage({ types: ['never'] })
    const last = (await Array.fromAsync(store.readAll({ backward: true, batch: 1 })))[0]!
    assert.deepEqual([page.events, page.cursor], [[], { xid: last.xid, position: last.position }])
  })

  it('refuses a page of no size', async () => {
    for (const batch of [0, 1.5, 10_001]) await assert.rejects(store.readPage({ batch }), RangeError)
  })
})

describe('time travel', () => {
  let store: EventStore & AsyncDisposable
  before(async () => {
    store = await scratchStore()
  })
  after(() => store[Symbol.asyncDispose]())

  it('gives a stream as it was at a version, and at each moment', async () => {
    made.reset()
    for (let i = 0; i < 3; i++) await store.append('s', [event()], { expected: 'any' })
    await store.database.exec(
      "update events.events set recorded_at = '2026-01-01T00:00:00Z'::timestamptz + version * interval '1 second'"
    )
    const at = async (ms: number) =>
      numbersOf(await Array.fromAsync(store.readStream('s', { at: Date.UTC(2026, 0, 1) + ms })))
    assert.deepEqual(
      [await at(0), await at(1_000), await at(1_999), await at(2_000), await at(9_000)],
      [[], [1], [1], [1, 2], [1, 2, 3]]
    )
  })

  it('gives a stream up to the last event of the moment, though the clock went back between', async () => {
    await store.append('back', [event(), event(), event()], { expected: 'none' })
    await store.database.exec(
      `update events.events set recorded_at = '2026-01-01T00:00:00Z'::timestamptz + case version when 2 then 9 else version end
       * interval '1 second' where stream = 'back'`
    )
    const events = await Array.fromAsync(store.readStream('back', { at: Date.UTC(2026, 0, 1, 0, 0, 4) }))
    assert.deepEqual(
      events.map(({ version }) => version),
      [1, 2, 3]
    )
  })

  it('cuts the whole store where nothing later is in it, and no transaction is torn', async () => {
    await using other = await scratchStore()
    const transfer = fc.record({ from: fc.nat(2), to: fc.nat(2), second: fc.nat(30) })
    const transfers = fc.sample(transfer, 30)
    for (const [n, { from, to }] of transfers.entries()) {
      const parts = [...new Set([from, to])].map(account => ({
        stream: `account/${account}`,
        expected: 'any' as const,
        events: [{ type: 'moved', data: n }]
      }))
      await other.appendAll(parts)
    }
    // Recorded at any times, also against the order.
    const base = Date.UTC(2026, 0, 1)
    for (const [n, { second }] of transfers.entries()) {
      await other.database.query('update events.events set recorded_at = $2 where data = $1::jsonb', [
        n,
        new Date(base + second * 1_000)
      ])
    }
    await settled(other)
    for (let second = -1; second <= 31; second++) {
      const until = await other.cutAt(base + second * 1_000)
      const seen = new Set(numbersOf(await Array.fromAsync(other.readAll({ until }))))
      for (const n of seen) assert.ok(transfers[n]!.second <= second, 'nothing later')
      assert.deepEqual(
        [...seen],
        Array.from({ length: seen.size }, (_, i) => i),
        'whole from the beginning'
      )
      const next = transfers[seen.size]
      assert.ok(!next || next.second > second, 'and as far as that goes')
      const byStream = await Promise.all(
        [0, 1, 2].map(async account =>
          numbersOf(await Array.fromAsync(other.readStream(`account/${account}`, { until })))
        )
      )
      assert.deepEqual(new Set(byStream.flat()), seen, 'each stream at the same cut')
      for (const [n, { from, to }] of transfers.entries()) {
        if (seen.has(n)) assert.ok(byStream[from]!.includes(n) && byStream[to]!.includes(n), 'both sides or none')
      }
    }
    assert.deepEqual(await other.cutAt(base - 1), start)
    const now = await other.cutAt()
    assert.equal(
      (await Array.fromAsync(other.readAll({ until: now }))).length,
      (await Array.fromAsync(other.readAll())).length
    )
  })
})
