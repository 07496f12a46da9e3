import type { BrowserOptions, Client } from '@plimsoll/sdk/browser'
import type { BrowserContext, Page } from 'playwright-core'

declare global {
  interface Window {
    sdk: { init(options: BrowserOptions): Client }
    client: Client
  }
}

/** A tab whose page records with the SDK. What it is asked while it is loaded or closed rejects. */
export interface Tab {
  /** Opens the page, or loads it again. Resolves with the session. */
  load(): Promise<string>
  /** Resolves with the session when all is stored. */
  record(calls: readonly { tag: string; feature: string }[]): Promise<string>
  /** True when everything is delivered and every loss is told. */
  deliver(): Promise<boolean>
  end(): Promise<void>
  close(): Promise<void>
}

/** A page that says nothing for so long is given up, in milliseconds. */
const patienceMs = 15_000

export async function openTab(context: BrowserContext, siteUrl: string, options: BrowserOptions): Promise<Tab> {
  const page: Page = await context.newPage()
  page.setDefaultTimeout(patienceMs)
  return {
    async load() {
      await page.goto(siteUrl)
      await page.waitForFunction(() => window.sdk !== undefined)
      return page.evaluate(async settings => {
        // It may have been told to wait for minutes, and would sleep through the storms.
        localStorage.removeItem('plimsoll.pace')
        window.client = window.sdk.init(settings)
        await window.client.losses()
        return window.client.session.id!
      }, options)
    },
    record: calls =>
      page.evaluate(async calls => {
        for (const { tag, feature } of calls) window.client.feature(feature, { call: tag, durationMs: 1 })
        // IndexedDB commits in order: when this is answered, what was added before is committed, or counted as lost.
        await window.client.losses()
        return window.client.session.id!
      }, calls),
    deliver: () =>
      page.evaluate(async () => {
        localStorage.removeItem('plimsoll.pace')
        return (await window.client.flush()) && Object.keys(await window.client.losses()).length === 0
      }),
    end: () =>
      page.evaluate(async () => {
        window.client.session.end()
        await window.client.losses()
      }),
    close: () => page.close()
  }
}
