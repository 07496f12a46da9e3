import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { eventually, launchChromium, noChromium } from '@plimsoll/bench/end-to-end'
import type { Browser, Page } from 'playwright-core'
import type { BrowserOptions, Client } from '../browser/index.ts'
import { type Project, type RealTelemetry, startTelemetry } from './real-telemetry.ts'
import { openSite, type Site } from './site.ts'

declare global {
  interface Window {
    sdk: { init(options: BrowserOptions): Client }
    client: Client
  }
}

describe('the SDK in pages of several origins, with a list of those that may post', { skip: noChromium }, () => {
  let browser: Browser
  let listed: Site
  let other: Site
  let telemetry: RealTelemetry
  let project: Project

  before(async () => {
    browser = await launchChromium()
    listed = await openSite()
    other = await openSite()
    telemetry = await startTelemetry([listed.url])
  })
  after(async () => {
    await browser?.close()
    await listed?.close()
    await other?.close()
    await telemetry?.close()
  })
  beforeEach(async () => {
    project = await telemetry.newProject()
  })

  /** A page of `site` in which the SDK has recorded three uses, and what the browser complained of. */
  async function pageOf(site: Site): Promise<{ page: Page; exceptions: string[]; complaints: string[] }> {
    const page = await browser.newPage()
    const exceptions: string[] = []
    const complaints: string[] = []
    page.on('pageerror', error => exceptions.push(error.message))
    page.on('console', message => complaints.push(message.text()))
    await page.goto(`${site.url}/page`)
    await page.waitForFunction(() => window.sdk !== undefined)
    await page.evaluate(
      options => {
        window.client = window.sdk.init(options)
        for (let n = 0; n < 3; n++) window.client.feature('search')
      },
      { endpoint: telemetry.url, key: project.key, user: 'ann', flushMs: 100 }
    )
    return { page, exceptions, complaints }
  }
  const flush = (page: Page) => page.evaluate(() => window.client.flush())
  const losses = (page: Page) => page.evaluate(() => window.client.losses())

  test('a page on the list delivers', async () => {
    const { page, exceptions, complaints } = await pageOf(listed)
    await eventually(async () => assert.equal((await project.ledger()).accepted, 4))
    assert.equal(await flush(page), true)
    assert.deepEqual([exceptions, complaints], [[], []])
    await page.close()
  })

  test('one that is not delivers nothing, loses nothing, and only the browser says why', async () => {
    const { page, exceptions, complaints } = await pageOf(other)
    assert.equal(await flush(page), false)
    await eventually(() => assert.match(complaints.join('\n'), /blocked by CORS policy/))
    assert.deepEqual(await losses(page), {})
    const ledger = await project.ledger()
    assert.deepEqual([ledger.received, ledger.clientLosses], [0, {}])
    assert.deepEqual(exceptions, [])
    await page.close()
  })
})
