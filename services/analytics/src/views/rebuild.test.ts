import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { openScratch } from '@plimsoll/database/testing'
import type { Cursor, LogEntry } from '@plimsoll/eventlog'
import { migrateAnalytics, readProjects } from '../store.ts'
import { applyEntries } from './apply.ts'
import { changedViews } from './changed-views.ts'
import { declaredViews } from './declared.ts'
import { historyOf } from './history.ts'
import { cursorName } from './parts.ts'
import type { StepDone } from './procedure.ts'
import { prepareViews, rebuildCursor } from './rebuild.ts'
import { readRegistry, runningOf } from './registry.ts'
import { SketchCache } from './sketch-cache.ts'
import { hashOf, refreshAll } from './testing.ts'
import type { View } from './view.ts'

const procedures = {
  declared: new URL('../views-procedure.ts', import.meta.url),
  changed: new URL('./changed-views.ts', import.meta.url)
}

/** A read side whose steps a test makes one by one. */
async function readSide(parts = 1) {
  const store = await openScratch()
  await migrateAnalytics(store)
  const cursors = new Map<string, Cursor>()
  const prepare = (declared: readonly View[]) => store.transaction(tx => prepareViews(tx, declared, parts))
  return {
    store,
    prepare,
    async step(procedure: URL, name: string, entries: readonly LogEntry[]): Promise<StepDone> {
      const from = cursors.get(name) ?? { xid: '0', position: 0 }
      const { xid, position } = entries.at(-1)!
      // A projection makes its cursor when it begins.
      await store.query(
        "insert into eventlog_cursors.cursors (name, xid, position) values ($1, '0', 0) on conflict do nothing",
        [name]
      )
      const step = { name, from, to: { xid, position }, segments: [{ first: null, entries }] }
      const done = await store.call<StepDone>(procedure, new TextEncoder().encode(JSON.stringify(step)))
      cursors.set(name, { xid, position })
      return done
    },
    sessions: async () => {
      const { rows } = await store.query<{ n: number }>(
        `select coalesce(sum(sessions), 0)::bigint as n from analytics.session_stats where width = 'd'`
      )
      return rows[0]!.n
    },
    versions: async () =>
      Object.fromEntries(
        (await readRegistry(store)).filter(one => one.live).map(({ name, version }) => [name, version])
      )
  }
}

describe('a view whose declaration has changed', () => {
  const log = historyOf(7, { sessions: 120 })
  const [third, half, most] = [1 / 3, 1 / 2, 5 / 6].map(share => Math.floor(log.length * share)) as [
    number,
    number,
    number
  ]
  let side: Awaited<ReturnType<typeof readSide>>
  let main: (entries: readonly LogEntry[]) => Promise<StepDone>
  let build: (entries: readonly LogEntry[]) => Promise<StepDone>
  before(async () => {
    side = await readSide()
    main = entries => side.step(procedures.changed, 'analytics', entries)
    build = entries => side.step(procedures.changed, rebuildCursor, entries)
    await side.prepare(declaredViews)
    await side.step(procedures.declared, 'analytics', log.slice(0, half))
  })
  after(() => side.store.close())

  it('is built beside the live one, of which nothing is lost meanwhile', async () => {
    const [sessions, projects] = [await side.sessions(), await readProjects(side.store)]
    assert.ok(sessions > 20)
    const due = await side.prepare(changedViews)
    assert.deepEqual(
      due.map(({ name }) => name),
      ['session_stats', 'projects', 'retention_by_week']
    )
    assert.equal((await build(log.slice(0, third))).swapped, false)
    assert.equal(await side.sessions(), sessions)
    await main(log.slice(half, most))
    assert.ok((await side.sessions()) > sessions, 'its former declaration goes on with it')
    assert.deepEqual(await readProjects(side.store), projects, 'nobody knows how to go on with this one')
    assert.equal((await build(log.slice(third, half))).swapped, false, 'it has not all that the live one has')
  })

  it('is gone on with after a restart, and begun anew for yet another version', async () => {
    const built = async () =>
      (await side.store.query<{ n: number }>('select count(*)::int as n from analytics.session_stats_next')).rows[0]!.n
    const before = await built()
    assert.ok(before > 0)
    await side.prepare(changedViews)
    assert.equal(await built(), before)
    await assert.rejects(
      side.store.transaction(async tx => {
        await prepareViews(tx, [{ ...changedViews[0]!, version: 3 }, ...changedViews.slice(1)], 1)
        const { rows } = await tx.query<{ n: number }>('select count(*)::int as n from analytics.session_stats_next')
        throw new Error(`${rows[0]!.n} rows`)
      }),
      /^Error: 0 rows/
    )
  })

  it('takes its place at once, and what it had before the others is not added again', async () => {
    // It comes further than the steps of the others.
    const done = await build(log.slice(half, most + 5))
    assert.equal(done.swapped, true)
    assert.deepEqual(
      [await side.versions(), (await readRegistry(side.store)).filter(({ live }) => !live)],
      [{ session_stats: 2, session_activity: 1, use_stats: 1, feature_stats: 1, projects: 2, retention_by_week: 2 }, []]
    )
    await main(log.slice(most))
    await refreshAll(side.store, changedViews)

    const fresh = await readSide()
    try {
      await fresh.prepare(changedViews)
      await fresh.step(procedures.changed, 'analytics', log)
      await refreshAll(fresh.store, changedViews)
      assert.equal(await hashOf(side.store, changedViews), await hashOf(fresh.store, changedViews))
    } finally {
      await fresh.store.close()
    }
  })

  it('is built again when an older program comes back to what was frozen', async () => {
    const due = await side.prepare(declaredViews)
    assert.deepEqual(
      due.map(({ name }) => name),
      ['session_stats', 'projects', 'retention_by_week']
    )
    assert.deepEqual(
      (await side.prepare(changedViews)).map(({ name }) => name),
      ['session_stats', 'projects', 'retention_by_week']
    )
    // Their rows are of the right version, and nothing was added to them while they were frozen.
    assert.equal((await side.versions()).projects, 2)
  })
})

describe('several writers', () => {
  const log = historyOf(11, { sessions: 80 })

  it('have rows of their own that add up to the same, and may be one again where all of them stand', async () => {
    const [several, alone] = await Promise.all([readSide(2), readSide()])
    try {
      await several.prepare(declaredViews)
      await alone.prepare(declaredViews)
      await alone.step(procedures.declared, 'analytics', log)
      const names = [0, 1].map(index => cursorName({ index, of: 2 }))
      await several.step(procedures.declared, names[0]!, log)
      await assert.rejects(
        several.store.transaction(tx => prepareViews(tx, declaredViews, 1)),
        /stand at different places/
      )
      await several.step(procedures.declared, names[1]!, log)
      const perPart = await several.store.query<{ part: number; n: number }>(
        'select part, sum(counted)::bigint as n from analytics.projects group by part order by part'
      )
      assert.ok(perPart.rows.length === 2 && perPart.rows.every(({ n }) => n > 20), JSON.stringify(perPart.rows))
      assert.deepEqual(await readProjects(several.store), await readProjects(alone.store))
      assert.equal(await several.sessions(), await alone.sessions())
      await several.store.transaction(tx => prepareViews(tx, declaredViews, 1))
      const { rows } = await several.store.query<{ name: string }>('select name from eventlog_cursors.cursors')
      assert.deepEqual(rows, [{ name: 'analytics' }])
    } finally {
      await Promise.all([several.store.close(), alone.store.close()])
    }
  })

  // An embedded engine has one connection, so there is nobody to wait for.
  if (process.env.PLIMSOLL_DATABASE_URL) {
    it('do not wait for each other, though they count in the same hours', async () => {
      const { store, prepare } = await readSide(2)
      try {
        await prepare(declaredViews)
        const half = (part: number, work: () => Promise<void>) =>
          store.transaction(async tx => {
            const running = runningOf(declaredViews, await readRegistry(tx))
            const target = { suffix: '', part, cache: new SketchCache() } as const
            await applyEntries(tx, log, running, target, { index: part, of: 2 })
            await work()
          })
        // A name of a feature is met once, and whoever meets it too waits for it.
        await half(0, async () => undefined)
        await half(1, async () => undefined)
        // The one has written all of its rows and is not committed until the other is.
        await half(0, () => half(1, async () => undefined))
        const { rows } = await store.query<{ n: number }>('select sum(counted)::bigint as n from analytics.projects')
        assert.equal(rows[0]!.n, 2 * log.filter(({ type }) => type !== 'session.enriched').length)
      } finally {
        await store.close()
      }
    })
  }
})
