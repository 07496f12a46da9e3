import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Database, QueueFullError } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import fc from 'fast-check'
import type { Expected } from './append.ts'
import { WrongVersionError } from './errors.ts'
import type { NewEvent, StreamEvent } from './event.ts'
import { EventStore } from './event-store.ts'

const happened = (n = 1): NewEvent => ({ type: 'happened', data: { n } })
const refused = (stream: string, expected: Expected, actual: number) => (error: unknown) => {
  assert.ok(error instanceof WrongVersionError, String(error))
  assert.equal(error.code, 'PLIMSOLL_WRONG_VERSION')
  assert.deepEqual([error.stream, error.expected, error.actual], [stream, expected, actual])
  return true
}

describe('append', () => {
  let db: Database
  let store: EventStore
  before(async () => {
    db = await openScratch()
    await EventStore.migrate(db, 'ledger')
    await EventStore.migrate(db, 'ledger')
    store = new EventStore({ database: db, schema: 'ledger' })
  })
  after(async () => {
    await store.close()
    await db.close()
  })
  const read = async (stream: string): Promise<StreamEvent[]> => Array.fromAsync(store.readStream(stream))
  const numbers = async (stream: string) => (await read(stream)).map(({ data }) => (data as { n: number }).n)

  it('checks each of the four expectations, and tells the version that it met', async () => {
    await assert.rejects(store.append('a', [happened()], { expected: 'exists' }), refused('a', 'exists', 0))
    await assert.rejects(store.append('a', [happened()], { expected: 3 }), refused('a', 3, 0))
    assert.equal((await store.append('a', [happened(1), happened(2)], { expected: 'none' })).version, 2)
    await assert.rejects(store.append('a', [happened()], { expected: 'none' }), refused('a', 'none', 2))
    await assert.rejects(store.append('a', [happened()], { expected: 0 }), refused('a', 0, 2))
    await assert.rejects(store.append('a', [happened()], { expected: 1 }), refused('a', 1, 2))
    assert.equal((await store.append('a', [happened(3)], { expected: 2 })).version, 3)
    assert.equal((await store.append('a', [happened(4)], { expected: 'exists' })).version, 4)
    assert.equal((await store.append('a', [happened(5)], { expected: 'any' })).version, 5)
    assert.equal((await store.append('b', [happened(1)], { expected: 'any' })).version, 1)
    assert.equal((await store.append('c', [happened(1)], { expected: 0 })).version, 1)
    assert.deepEqual(await numbers('a'), [1, 2, 3, 4, 5])
  })

  it('gives back what was appended: data, ids, metadata of the event before that of the append', async () => {
    const id = '0198c0de-0000-7000-8000-000000000001'
    const data = { text: 'naïve "quoted" \\ 🚢', list: [1, null, { a: true }], none: null }
    const metadata = { correlationId: 'c', causationId: 'x', actor: 'ann', traceparent: '00-aa-bb-01' }
    await store.append(
      'given',
      [
        { id, type: 't', data, metadata: { causationId: 'y' } },
        { type: 'u', data: null }
      ],
      {
        expected: 'none',
        metadata
      }
    )
    const [first, second] = await read('given')
    assert.deepEqual([first!.id, first!.data, first!.version], [id, data, 1])
    assert.deepEqual(first!.metadata, { ...metadata, causationId: 'y' })
    assert.deepEqual([second!.data, second!.metadata, second!.version], [null, metadata, 2])
    assert.ok(Math.abs(first!.recordedAt - Date.now()) < 600_000 && Number.isInteger(first!.recordedAt))
  })

  it('lets one of many with the same expectation through, and costs the others of its commit nothing', async () => {
    const tries = Array.from({ length: 20 }, (_, n) => store.append('contended', [happened(n)], { expected: 'none' }))
    const others = Array.from({ length: 20 }, (_, n) => store.append(`other/${n}`, [happened()], { expected: 'none' }))
    const outcomes = await Promise.allSettled(tries)
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') refused('contended', 'none', 1)(outcome.reason)
    }
    await Promise.all(others)
    assert.equal((await numbers('contended')).length, 1)
  })

  it('lets all through that expect nothing, one after the other', async () => {
    const all = Array.from({ length: 50 }, (_, n) => store.append('busy', [happened(n)], { expected: 'any' }))
    const versions = (await Promise.all(all)).map(({ version }) => version)
    assert.deepEqual(
      versions.toSorted((a, b) => a - b),
      Array.from({ length: 50 }, (_, n) => n + 1)
    )
    const stored = await numbers('busy')
    for (const [n, version] of versions.entries()) assert.equal(stored[version - 1], n, 'each was told its own version')
  })

  it('writes several streams together or not at all', async () => {
    const parts = (expected: Expected) => [
      { stream: 'from', events: [happened(1)], expected: 'any' as const },
      { stream: 'to', events: [happened(1), happened(2)], expected },
      { stream: 'untouched', events: [happened(1)], expected: 'any' as const }
    ]
    await assert.rejects(store.appendAll(parts('exists')), refused('to', 'exists', 0))
    assert.deepEqual([await numbers('from'), await numbers('untouched')], [[], []])
    await assert.rejects(
      store.append('untouched', [happened()], { expected: 'exists' }),
      refused('untouched', 'exists', 0)
    )
    assert.deepEqual((await store.appendAll(parts('none'))).versions, [1, 2, 1])
  })

  it('commits with the caller’s own transaction, and is undone with it', async () => {
    await db.exec('create table totals (n int)')
    const both = (fails: boolean) =>
      db.transaction(async tx => {
        await store.append('mine', [happened(1)], { expected: 'none', tx })
        await store.append('mine', [happened(2)], { expected: 1, tx })
        await tx.query('insert into totals values (2)')
        assert.deepEqual((await Array.fromAsync(store.readStream('mine', { tx }))).length, 2, 'it sees its own')
        if (fails) throw new Error('changed my mind')
      })
    await assert.rejects(both(true), /changed my mind/)
    assert.deepEqual([await numbers('mine'), (await db.query('select n from totals')).rows], [[], []])
    await both(false)
    assert.deepEqual([await numbers('mine'), (await db.query('select n from totals')).rows], [[1, 2], [{ n: 2 }]])
    await db.transaction(async tx => {
      await assert.rejects(store.append('mine', [happened()], { expected: 7, tx }), refused('mine', 7, 2))
      await tx.query('insert into totals values (3)')
    })
    assert.equal((await db.query('select n from totals')).rows.length, 2, 'a refusal leaves the transaction usable')
  })

  it('refuses what cannot be written, and says why', async () => {
    const wrong = (...args: Parameters<EventStore['append']>) => assert.rejects(store.append(...args), RangeError)
    await wrong('x', [], { expected: 'any' })
    await wrong('', [happened()], { expected: 'any' })
    await wrong('x', [happened()], { expected: -1 })
    await wrong('x', [happened()], { expected: 'whatever' as 'any' })
    await wrong('x', [{ type: '', data: 1 }], { expected: 'any' })
    await wrong('x', [{ type: 't', data: 'x'.repeat(1_000_001) }], { expected: 'any' })
    await wrong('x', new Array(10_001).fill(happened()), { expected: 'any' })
    const twice = { stream: 'x', events: [happened()], expected: 'any' as const }
    await assert.rejects(store.appendAll([twice, twice]), RangeError)
    assert.deepEqual(await read('x'), [])
  })

  it('lets an event that the database refuses fail alone', async () => {
    const unstorable = { type: 't', data: 'zero \u0000' }
    const [bad, good] = await Promise.allSettled([
      store.append('bad', [unstorable], { expected: 'any' }),
      store.append('good', [happened()], { expected: 'any' })
    ])
    assert.deepEqual([bad.status, good.status], ['rejected', 'fulfilled'])
  })

  it('takes so many and no more while they wait', async () => {
    const small = new EventStore({ database: db, schema: 'ledger', maxPending: 2 })
    const append = () => small.append('small', [happened()], { expected: 'any' })
    const outcomes = await Promise.allSettled([append(), append(), append()])
    assert.deepEqual(
      outcomes.map(o => (o.status === 'rejected' ? o.reason.constructor : o.status)),
      ['fulfilled', 'fulfilled', QueueFullError]
    )
    await small.close()
  })

  it('does what a model of streams does, for any appends in any groups', async () => {
    let run = 0
    const expected = fc.oneof(fc.constantFrom<Expected>('any', 'none', 'exists'), fc.nat(4))
    const request = fc.dictionary(
      fc.constantFrom('p', 'q', 'r'),
      fc.record({ expected, count: fc.integer({ min: 1, max: 3 }) }),
      {
        minKeys: 1
      }
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(request, { minLength: 1, maxLength: 4 }), { maxLength: 6 }), async groups => {
        const prefix = `model-${run++}`
        const model = new Map<string, number>()
        for (const group of groups) {
          const outcomes = await Promise.allSettled(
            group.map(parts =>
              store.appendAll(
                Object.entries(parts).map(([stream, { expected, count }]) => ({
                  stream: `${prefix}/${stream}`,
                  expected,
                  events: Array.from({ length: count }, () => happened())
                }))
              )
            )
          )
          // Made in one turn, so written in one group, in their order.
          group.forEach((parts, i) => {
            const ok = Object.entries(parts).every(([stream, { expected }]) => {
              const version = model.get(stream) ?? 0
              return (
                expected === 'any' ||
                (expected === 'exists' ? version > 0 : version === (expected === 'none' ? 0 : expected))
              )
            })
            assert.equal(outcomes[i]!.status, ok ? 'fulfilled' : 'rejected')
            if (!ok) return
            for (const [stream, { count }] of Object.entries(parts)) model.set(stream, (model.get(stream) ?? 0) + count)
          })
        }
        for (const [stream, version] of model) {
          const events = await read(`${prefix}/${stream}`)
          assert.deepEqual(
            events.map(event => event.version),
            Array.from({ length: version }, (_, i) => i + 1)
          )
        }
      }),
      { numRuns: 25 }
    )
  })
})
