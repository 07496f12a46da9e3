import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { openScratch } from '@plimsoll/database/testing'
import { append, migrateLog, SharedLog } from '@plimsoll/eventlog'
import { createServer } from '@plimsoll/http'
import { type Clock, systemClock } from '@plimsoll/resilience'
import { createAnalytics } from '@plimsoll/service-analytics'
import { createBilling } from '@plimsoll/service-billing'
import { createFeed } from '@plimsoll/service-feed'
import { MakingWay } from './making-way.ts'

/** By this clock every step takes a second, and every rest is over at once. */
function slowClock() {
  let ms = 0
  const rests: number[] = []
  const clock: Clock = {
    ...systemClock,
    now() {
      ms += 1_000
      return ms
    },
    setTimer(fn, wait) {
      if (wait > 0) rests.push(wait)
      return systemClock.setTimer(fn, 0)
    }
  }
  return { clock, rests }
}

test('feed and billing give a dashboard most of the time for two seconds after its question', async t => {
  const [log, store] = await Promise.all([openScratch(), openScratch()])
  await migrateLog(log)
  const shared = new SharedLog(log)
  let now = 0
  const { asked, othersAsk } = new MakingWay(() => now)
  const [ofBilling, ofFeed] = [slowClock(), slowClock()]
  const adminToken = 'admin-of-this-test'
  const price = { unitPrice: 0, currency: 'EUR' }
  const analytics = await createAnalytics({ log, shared, store, onQuestion: asked, mayRead() {} })
  const billing = await createBilling({ log, shared, store, othersAsk, price, adminToken, clock: ofBilling.clock })
  const feed = await createFeed({ shared, store, othersAsk, users: undefined, adminToken, clock: ofFeed.clock })
  const app = await createServer({ title: 'Making way', version: '1' })
  await app.register(analytics.routes)
  t.after(async () => {
    await app.close()
    await Promise.all([billing.stop(), feed.stop()])
    await analytics.stop()
    await Promise.all([log.close(), store.close()])
  })
  billing.start()
  feed.start()

  const at = Date.UTC(2026, 10, 5, 12)
  /** How long each rests after a step with one session in it: of it a third of a second is its usual pace. */
  const rests = async () => {
    ofBilling.rests.length = ofFeed.rests.length = 0
    const change = JSON.stringify([null, [at, at, 1, 'pro', 'eu', 'known', 'ann']])
    const entry = { tenant: 'shop', type: 'session.start', time: at, subject: 'ann', digest: '1', data: null, change }
    await log.transaction(tx => append(tx, [{ ...entry, id: randomUUID(), stream: randomUUID() }]))
    await Promise.all([billing.subscriber.settled(), feed.subscriber.settled()])
    return [...ofBilling.rests, ...ofFeed.rests]
  }
  const alone = [2_700]
  const besides = [2_700, 5_367]
  assert.deepEqual(await rests(), alone)
  now = 10_000
  assert.equal((await app.inject('/v1/dashboard?project=shop')).statusCode, 200)
  now = 11_999
  assert.deepEqual(await rests(), besides)
  now = 12_000
  assert.deepEqual(await rests(), alone)
  assert.equal((await app.inject('/v1/projects')).statusCode, 200)
  assert.deepEqual(await rests(), besides)
})
