import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { migrateAnalytics } from '../store.ts'
import { declaredViews } from './declared.ts'
import { cutAtRandom, historyOf, randomOf } from './history.ts'
import { prepareViews } from './rebuild.ts'
import { SketchCache } from './sketch-cache.ts'
import { applyTo, emptyAll, hashOf, refreshAll } from './testing.ts'

describe('views that are made again from the log', () => {
  let store: Database
  before(async () => {
    store = await openScratch()
    await migrateAnalytics(store)
    await store.transaction(tx => prepareViews(tx, declaredViews, 1))
  })
  after(() => store.close())

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`have the same bytes, however the log was cut and whenever it was refreshed: history ${seed}`, async () => {
      const log = historyOf(seed)
      const random = randomOf(seed + 1_000)
      await emptyAll(store, declaredViews)
      const cache = new SketchCache(20)
      for (const batch of cutAtRandom(log, random, 60)) {
        await applyTo(store, declaredViews, batch, { cache })
        if (random() < 0.3) await refreshAll(store, declaredViews)
      }
      await refreshAll(store, declaredViews)
      const lived = await hashOf(store, declaredViews)

      await emptyAll(store, declaredViews)
      for (const batch of cutAtRandom(log, random, 400)) await applyTo(store, declaredViews, batch)
      await refreshAll(store, declaredViews)
      assert.equal(await hashOf(store, declaredViews), lived)

      await applyTo(store, declaredViews, log.slice(0, 1))
      assert.notEqual(await hashOf(store, declaredViews), lived, 'the hash sees a single entry')
    })
  }
})
