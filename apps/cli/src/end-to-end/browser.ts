import type { BrowserContext, Page } from 'playwright-core'

/** A page, and what went wrong in it. */
export interface WatchedPage {
  page: Page
  /**
   * Exceptions, violations of the content security policy, and whatever else the page complained of. A request that was
   * refused or met no platform is no fault of the page.
   */
  faults: string[]
}

export async function openPage(context: BrowserContext): Promise<WatchedPage> {
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', error => faults.push(`exception: ${error.message}`))
  page.on('console', message => {
    const isFault = message.type() === 'error' || message.type() === 'warning'
    if (isFault && !message.text().startsWith('Failed to load resource')) faults.push(message.text())
  })
  return { page, faults }
}

/** The number behind a figure on the page; NaN when the page does not know it, an error when it does not show it. */
export async function figureOf(page: Page, testId: string): Promise<number> {
  const raw = await page.getByTestId(testId).first().getAttribute('data-value', { timeout: 1_000 })
  return raw === null || raw === '' ? Number.NaN : Number(raw)
}

export async function figuresOf(page: Page, testIds: readonly string[]): Promise<Record<string, number>> {
  const figures = await Promise.all(testIds.map(async id => [id, await figureOf(page, id)] as const))
  return Object.fromEntries(figures)
}
