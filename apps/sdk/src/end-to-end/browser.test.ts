import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { eventually, launchChromium, noChromium } from '@plimsoll/bench/end-to-end'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import type { BrowserOptions, Client } from '../browser/index.ts'
import { type Gate, openGate } from './gate.ts'
import { type Project, type RealTelemetry, startTelemetry } from './real-telemetry.ts'
import { openSite, type Site } from './site.ts'

declare global {
  interface Window {
    sdk: { init(options: BrowserOptions): Client }
    client: Client
  }
}

describe('the SDK in Chromium', { skip: noChromium }, () => {
  let telemetry: RealTelemetry
  let browser: Browser
  let site: Site
  let gate: Gate
  let project: Project
  let context: BrowserContext
  const faults: string[] = []

  before(async () => {
    telemetry = await startTelemetry()
    browser = await launchChromium()
    site = await openSite()
  })
  after(async () => {
    await browser?.close()
    await site?.close()
    await telemetry?.close()
  })
  beforeEach(async () => {
    gate = await openGate(telemetry.url)
    project = await telemetry.newProject()
    context = await browser.newContext()
    faults.length = 0
  })
  afterEach(async () => {
    await context.close()
    await gate.close()
    assert.deepEqual(faults, [], 'the page met no error')
  })

  async function open(): Promise<Page> {
    const page = await context.newPage()
    page.on('pageerror', error => faults.push(error.message))
    await load(page)
    return page
  }
  async function load(page: Page, path = '/page'): Promise<void> {
    await page.goto(site.url + path)
    await page.waitForFunction(() => window.sdk !== undefined)
  }
  const init = (page: Page, options: Partial<BrowserOptions> = {}) =>
    page.evaluate(
      options => {
        window.client = window.sdk.init(options)
      },
      { endpoint: gate.url, key: project.key, user: 'ann', flushMs: 100, ...options }
    )
  const use = (page: Page, times: number, pad = 0) =>
    page.evaluate(
      ([times, pad]) => {
        for (let n = 0; n < times!; n++) window.client.feature('search', { n, pad: 'x'.repeat(pad!) })
      },
      [times, pad]
    )
  const losses = (page: Page) => page.evaluate(() => window.client.losses())
  const flush = (page: Page) => page.evaluate(() => window.client.flush())
  const sessionId = (page: Page) => page.evaluate(() => window.client.session.id)
  /** Everything in the browser's stores of this origin. */
  const stored = (page: Page) =>
    page.evaluate(async () => ({ databases: await indexedDB.databases(), keys: Object.keys(localStorage) }))
  const accepts = (events: number) => eventually(async () => assert.equal((await project.ledger()).accepted, events))

  test('records a session and features, each once, and packs what is worth it', async () => {
    const page = await open()
    await init(page)
    await use(page, 50)
    await accepts(51)
    const ledger = await project.ledger()
    assert.deepEqual([ledger.duplicate, ledger.rejected, ledger.clientLosses], [0, 0, {}])
    const [session] = await project.sessions()
    assert.deepEqual([session?.id, session?.user.id, session?.events], [await sessionId(page), 'ann', 51])
    assert.ok(gate.passed.some(({ packed }) => packed))
    await page.evaluate(() => window.client.shutdown())
    await accepts(52)
    assert.notEqual((await project.sessions())[0]?.endedAt, null)
  })

  test('is patient while offline, and delivers with the events’ own times', async () => {
    const page = await open()
    await init(page)
    await accepts(1)
    await context.setOffline(true)
    await use(page, 20)
    assert.equal(await flush(page), false)
    await context.setOffline(false)
    await accepts(21)
    assert.deepEqual((await project.ledger()).clientLosses, {})
  })

  test('a reload with a full queue: what was refused is told, the rest is delivered by the next page', async () => {
    gate.mood = { status: 503, headers: { 'retry-after': '1' } }
    const page = await open()
    await init(page, { maxEvents: 10 })
    const session = await sessionId(page)
    await use(page, 30)
    await eventually(async () => assert.deepEqual(await losses(page), { queue_full: 21 }))
    gate.mood = 'pass'
    await load(page)
    await init(page, { maxEvents: 10 })
    assert.equal(await sessionId(page), session, 'a reload goes on with the session')
    await accepts(10)
    await eventually(async () => assert.deepEqual((await project.ledger()).clientLosses, { queue_full: 21 }))
    await eventually(async () => assert.deepEqual(await losses(page), {}))
    assert.equal((await project.ledger()).accepted, 10)
  })

  test('a lost answer is no lost event, and no second one', async () => {
    gate.mood = 'lose-answer'
    const page = await open()
    await init(page)
    await use(page, 30)
    await accepts(31)
    gate.mood = 'pass'
    await eventually(async () => assert.equal(await flush(page), true))
    const ledger = await project.ledger()
    assert.equal(ledger.accepted, 31)
    assert.ok(ledger.duplicate >= 1)
    assert.deepEqual(ledger.clientLosses, {})
  })

  test('a tab that is killed leaves its events to the next', async () => {
    gate.mood = 'cut'
    const page = await open()
    await init(page)
    await use(page, 40)
    await eventually(async () => assert.equal(await countStored(page), 41))
    const devtools = await context.newCDPSession(page)
    const crashed = page.waitForEvent('crash')
    devtools.send('Page.crash').catch(() => undefined)
    await crashed
    gate.mood = 'pass'
    const next = await open()
    await init(next)
    await accepts(41)
    assert.equal((await project.ledger()).duplicate, 0)
  })

  test('two tabs share one queue, one session and one sender', async () => {
    const [left, right] = [await open(), await open()]
    await init(left)
    await init(right)
    assert.equal(await sessionId(left), await sessionId(right))
    for (let round = 0; round < 5; round++) await Promise.all([use(left, 20), use(right, 20)])
    await accepts(201)
    const ledger = await project.ledger()
    assert.equal(ledger.duplicate, 0)
    const ids = gate.passed.flatMap(({ ids }) => ids)
    assert.equal(new Set(ids).size, ids.length, 'no event was sent twice')
    assert.ok(
      gate.passed.every(({ beside }) => beside === 0),
      'no two requests at a time'
    )
  })

  test('a disk that is full costs what does not fit, and that is told', async () => {
    const page = await open()
    // Chromium's own way to lower a quota does not reach IndexedDB here, so its error is thrown where it would be.
    await page.evaluate(() => {
      const add = IDBObjectStore.prototype.add
      let room = 10
      IDBObjectStore.prototype.add = function (...event) {
        if (room-- <= 0) throw new DOMException('full', 'QuotaExceededError')
        return add.apply(this, event)
      }
    })
    gate.mood = { status: 503 }
    await init(page)
    await use(page, 40)
    const lost = await eventually(async () => {
      const { storage_failed } = await losses(page)
      assert.ok(storage_failed! > 0)
      assert.equal(storage_failed! + (await countStored(page)), 41)
      return storage_failed!
    })
    gate.mood = 'pass'
    await eventually(async () => assert.equal(await flush(page), true))
    await accepts(41 - lost)
    await eventually(async () => assert.deepEqual((await project.ledger()).clientLosses, { storage_failed: lost }))
    assert.deepEqual(await losses(page), {})
  })

  test('without a store at all every event is told as lost, and the page knows of nothing', async () => {
    const page = await open()
    await page.evaluate(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('no', 'SecurityError')
      }
    })
    await init(page)
    await use(page, 3)
    await eventually(async () => assert.deepEqual((await project.ledger()).clientLosses, { storage_failed: 4 }))
    await eventually(async () => assert.deepEqual(await losses(page), {}))
    assert.equal((await project.ledger()).accepted, 0)
  })

  test('what a leaving page has not sent yet goes with it', async () => {
    const page = await open()
    await init(page, { flushMs: 600_000 })
    await accepts(1)
    await use(page, 5)
    // What is not stored yet stays behind: it could still be refused and told as lost.
    await eventually(async () => assert.equal(await countStored(page), 5))
    await page.goto('about:blank')
    await accepts(6)
    // Nobody saw that answer, so it is sent again, and counted once.
    const next = await open()
    await init(next)
    await eventually(async () => assert.equal(await flush(next), true))
    const ledger = await project.ledger()
    assert.equal(ledger.accepted, 6)
    assert.deepEqual(ledger.clientLosses, {})
  })

  test('without consent nothing is stored or sent, in any tab; with it all begins afresh', async () => {
    const [page, other] = [await open(), await open()]
    await init(page, { consent: false })
    await use(page, 5)
    assert.equal(await flush(page), true)
    assert.deepEqual(await stored(page), { databases: [], keys: [] })
    assert.deepEqual(gate.passed, [])

    gate.mood = 'cut'
    await page.evaluate(() => window.client.consent(true))
    await init(other)
    await Promise.all([use(page, 5), use(other, 5)])
    await eventually(async () => assert.equal(await countStored(page), 11))
    const first = await sessionId(page)
    await page.evaluate(() => window.client.consent(false))
    await eventually(async () => assert.deepEqual(await stored(page), { databases: [], keys: [] }))
    await use(other, 5)
    assert.deepEqual(await stored(other), { databases: [], keys: [] })

    gate.mood = 'pass'
    gate.passed.length = 0
    await page.evaluate(() => window.client.consent(true))
    assert.notEqual(await sessionId(page), first)
    await use(page, 2)
    await eventually(async () => assert.ok((await project.ledger()).accepted >= 3))
    const ids = new Set(gate.passed.flatMap(({ ids }) => ids))
    assert.ok(ids.size <= 4, 'a start in each tab and two uses, nothing from before')
  })

  /** Events in the queue. */
  async function countStored(page: Page): Promise<number> {
    return page.evaluate(
      () =>
        new Promise<number>((resolve, reject) => {
          const opening = indexedDB.open('plimsoll')
          opening.onerror = () => reject(opening.error)
          opening.onsuccess = () => {
            const counting = opening.result.transaction('events').objectStore('events').count()
            counting.onsuccess = () => {
              opening.result.close()
              resolve(counting.result)
            }
          }
        })
    )
  }
})
