import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import type { LogEntry } from '@plimsoll/eventlog'
import fc from 'fast-check'
import { readRetention } from '../answer/retention.ts'
import { migrateAnalytics } from '../store.ts'
import { declaredViews } from './declared.ts'
import { prepareViews } from './rebuild.ts'
import { refreshBy } from './retention-by-week.ts'
import { applyTo, emptyAll, refreshAll } from './testing.ts'
import { addSeen, mondayOf, weekOf } from './user-weeks.ts'

const week = 7 * 86_400_000
const monday = Date.UTC(2026, 4, 4)

describe('the weeks', () => {
  it('begin on Monday, UTC', () => {
    assert.equal(mondayOf(weekOf(monday)), monday)
    assert.equal(weekOf(monday - 1), weekOf(monday) - 1)
    assert.equal(weekOf(monday + week - 1), weekOf(monday))
    assert.equal(new Date(mondayOf(weekOf(0))).toISOString(), '1969-12-29T00:00:00.000Z')
  })

  it('come to the same bytes and cohorts as if every user had been looked at, in whatever pieces they are told', () => {
    const told = fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(5)), { maxLength: 40 })
    fc.assert(
      fc.property(fc.array(told, { minLength: 1, maxLength: 5 }), pieces => {
        const cells = new Map<string, number>()
        const count = (first: number, at: number, more: 1 | -1) =>
          void cells.set(`${first}/${at}`, (cells.get(`${first}/${at}`) ?? 0) + more)
        let bytes: Uint8Array | undefined
        for (const piece of pieces) bytes = addSeen(bytes, piece.flat(), count) ?? bytes
        const users = new Map<string, Set<number>>()
        for (const [high, low, at] of pieces.flat()) {
          users.set(`${high}/${low}`, (users.get(`${high}/${low}`) ?? new Set()).add(at))
        }
        const expected = new Map<string, number>()
        for (const weeks of users.values()) {
          for (const at of weeks) {
            const key = `${Math.min(...weeks)}/${at}`
            expected.set(key, (expected.get(key) ?? 0) + 1)
          }
        }
        const kept = [...cells].filter(([, n]) => n !== 0)
        assert.deepEqual(new Map(kept.sort()), new Map([...expected].sort()))
        assert.deepEqual(
          bytes,
          addSeen(undefined, pieces.flat(2), () => undefined)
        )
        if (bytes)
          assert.equal(
            addSeen(bytes, pieces.flat(2), () => assert.fail('counted')),
            undefined,
            'nothing new, nothing changed'
          )
      }),
      { numRuns: 300 }
    )
  })
})

describe('retention by week', () => {
  let store: Database
  let position = 0
  before(async () => {
    store = await openScratch()
    await migrateAnalytics(store)
    await store.transaction(tx => prepareViews(tx, declaredViews, 1))
  })
  after(() => store.close())
  beforeEach(() => emptyAll(store, declaredViews))

  const seen = (subject: string, time: number, tenant = 'shop'): LogEntry => ({
    ...{ tenant, time, recordedAt: time, subject, xid: '1', type: 'session.heartbeat', data: null, change: null },
    ...{ position: ++position, id: String(position), stream: null }
  })
  const apply = (...entries: LogEntry[]) => applyTo(store, declaredViews, entries)
  const refresh = () => refreshAll(store, declaredViews)

  it('is of those first seen in a week, and who of them came back', async () => {
    await apply(seen('ann', monday), seen('bob', monday + 1), seen('cat', monday + week), seen('ann', monday + week))
    await apply(seen('bob', monday + 2 * week), seen('ann', monday + 2 * week + 5), seen('dan', monday, 'blog'))
    assert.deepEqual(await readRetention(store, 'shop', 12), [], 'a refresh brings it up to date, and nothing else')
    await refresh()
    assert.deepEqual(await readRetention(store, 'shop', 12), [
      { week: '2026-05-04', users: 2, retained: [2, 1, 2] },
      { week: '2026-05-11', users: 1, retained: [1, 0] }
    ])
    assert.deepEqual(await readRetention(store, 'blog', 12), [{ week: '2026-05-04', users: 1, retained: [1] }])
    assert.deepEqual(
      (await readRetention(store, 'shop', 1)).map(({ week: at }) => at),
      ['2026-05-11']
    )
  })

  it('is restated for one who turns out to have come earlier, and no empty cohort stays', async () => {
    await apply(seen('ann', monday + week), seen('ann', monday + 3 * week))
    await refresh()
    await apply(seen('ann', monday))
    await refresh()
    assert.deepEqual(await readRetention(store, 'shop', 12), [{ week: '2026-05-04', users: 1, retained: [1, 1, 0, 1] }])
  })

  it('is refreshed only where somebody was, and what was taken in is not kept', async () => {
    const crowd = Array.from({ length: 3_000 }, (_, n) => seen(`user-${n}`, monday))
    await apply(...crowd)
    await refresh()
    const shardsOf = async () =>
      new Map(
        (
          await store.query<{ shard: number; xmin: string }>(
            'select shard, xmin::text as xmin from analytics.user_weeks'
          )
        ).rows.map(row => [row.shard, row.xmin])
      )
    const before = await shardsOf()
    await apply(seen('user-7', monday + week), seen('user-8', monday))
    await refresh()
    const after = await shardsOf()
    const touched = [...after].filter(([shard, xmin]) => before.get(shard) !== xmin)
    assert.equal(touched.length, 1, 'one of a thousand parts: user-8 had been there in that week already')
    assert.equal((await store.query('select from analytics.seen')).rows.length, 0)
    assert.deepEqual(await readRetention(store, 'shop', 12), [
      { week: '2026-05-04', users: 3_000, retained: [3_000, 1] }
    ])
  })

  it('has taken in all that was there when a refresh says that it is done, however little it takes at once', async () => {
    for (let n = 0; n < 5; n++) await apply(seen(`ann-${n}`, monday), seen(`bob-${n}`, monday))
    const [run, memory] = [refreshBy(3), new Map<string, unknown>()]
    const piece = () => store.transaction(tx => run(tx, '', memory))
    let pieces = 0
    for (let more = true; more; pieces++) {
      more = (await piece()).more
      // Written while the refresh is under way: for the next one.
      await apply(seen(`late-${pieces}`, monday))
    }
    assert.equal(pieces, 3, 'two steps, two steps and one')
    assert.deepEqual(await readRetention(store, 'shop', 12), [{ week: '2026-05-04', users: 10, retained: [10] }])
    await refresh()
    assert.deepEqual(await readRetention(store, 'shop', 12), [{ week: '2026-05-04', users: 13, retained: [13] }])
  })

  it('comes to the same when a refresh is broken off and begun again', async () => {
    await apply(...Array.from({ length: 500 }, (_, n) => seen(`user-${n}`, monday + (n % 3) * week)))
    const view = declaredViews.find(({ refresh: { mode } }) => mode === 'periodic')!
    const { refresh: how } = view
    assert.ok(how.mode === 'periodic')
    const { more } = await store.transaction(tx => how.run(tx, '', new Map()))
    assert.ok(more, 'it is done in pieces')
    await refresh()
    const cohorts = await readRetention(store, 'shop', 12)
    assert.deepEqual(
      cohorts.map(({ users }) => users),
      [167, 167, 166]
    )
  })
})
