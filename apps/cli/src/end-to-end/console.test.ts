import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { StartedPlatform } from '@plimsoll/bench'
import { eventually, launchChromium, noChromium } from '@plimsoll/bench/end-to-end'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { figureOf, figuresOf, openPage } from './browser.ts'
import { healthWhilePagesAreRead } from './health-times.ts'
import { freePort, type Home, newHome } from './home.ts'
import { type Hook, startHook } from './hook.ts'

const project = 'harbour'
/** Sessions the project begins with, by region. */
const begun = { 'eu-west': 3, 'us-east': 2 }
const all = 5

describe('the console in a real browser', { skip: noChromium }, () => {
  let home: Home
  let platform: StartedPlatform
  let browser: Browser
  /** Signed in by the printed link. */
  let context: BrowserContext
  const faults: string[][] = []
  let hook: Hook

  before(async () => {
    home = await newHome()
    hook = await startHook()
    const config = join(home.data, 'settings.json')
    await writeFile(config, JSON.stringify({ alertsWebhookUrl: hook.url, alertsAfterMs: 0, alertsCloseAfterMs: 0 }))
    // The same port after a restart, or the page would ask nobody.
    platform = await home.start('--port', String(await freePort()), '--fault-knobs', '--config', config)
    browser = await launchChromium()
    context = await browser.newContext()
    for (const [region, sessions] of Object.entries(begun)) {
      for (let n = 0; n < sessions; n++) await putSession(region)
    }
  })
  after(async () => {
    await browser?.close()
    await platform?.stop()
    await home?.remove()
    hook?.close()
  })

  async function send(method: string, path: string, body: unknown, to = project): Promise<void> {
    const response = await fetch(platform.url + path, {
      method,
      headers: {
        authorization: `Bearer ${platform.adminToken}`,
        'x-plimsoll-project': to,
        'content-type': 'application/json'
      },
      body: JSON.stringify(body)
    })
    assert.ok(response.ok, `${response.status} ${await response.text()}`)
  }
  const putSession = (region: string) =>
    send('PUT', `/v1/sessions/${randomUUIDv7()}`, { user: { id: `captain of ${region}` }, tier: 'pro', region })

  async function open(on: BrowserContext, address: string): Promise<Page> {
    const watched = await openPage(on)
    faults.push(watched.faults)
    await watched.page.goto(address)
    return watched.page
  }
  const openProject = (on = context) => open(on, `${platform.url}/?project=${project}`)
  const showsSessions = (page: Page, sessions: number) =>
    eventually(async () => assert.equal(await figureOf(page, 'sessions-total'), sessions))

  test('the printed link signs in, once', async () => {
    const page = await open(context, platform.signInLink)
    await page.getByTestId('project-picker').waitFor()
    assert.doesNotMatch(page.url(), /#|sign-in/, 'the token is out of the address')
    await page.close()

    const stranger = await browser.newContext()
    const second = await open(stranger, platform.signInLink)
    await second.getByText('This link was used already').waitFor()
    await stranger.close()
  })

  test('whoever has no session is shown how to sign in, and no number', async () => {
    const stranger = await browser.newContext()
    const page = await openProject(stranger)
    await page.getByText('npx plimsoll sign-in').waitFor()
    assert.equal(await page.locator('[data-value]').count(), 0)
    await stranger.close()
  })

  test('a cookie of another making is no session', async () => {
    const stranger = await browser.newContext()
    const forged = `${Date.now() + 86_400_000}.${'A'.repeat(43)}`
    await stranger.addCookies([{ name: 'plimsoll_session', value: forged, url: platform.url }])
    const page = await openProject(stranger)
    await page.getByText('npx plimsoll sign-in').waitFor()
    await stranger.close()
  })

  test('numbers are there soon after the page is loaded', async t => {
    const page = await context.newPage()
    await page.addInitScript(() => {
      const look = () => {
        const figure = document.querySelector<HTMLElement>('[data-testid="sessions-total"]')
        if (!figure?.dataset.value) return
        performance.mark('numbers')
        observer.disconnect()
      }
      const observer = new MutationObserver(look)
      observer.observe(document, { subtree: true, childList: true, attributes: true })
    })
    await page.goto(`${platform.url}/?project=${project}`)
    await showsSessions(page, all)
    const ms = await page.evaluate(() => performance.getEntriesByName('numbers')[0]!.startTime)
    t.diagnostic(`numbers ${Math.round(ms)} ms after navigation began`)
    assert.ok(ms < 10_000, `${ms} ms`)
    await page.close()
  })

  test('an event changes the page without a reload', async () => {
    const page = await openProject()
    await showsSessions(page, all)
    const active = await figureOf(page, 'active-now')
    await page.evaluate(() => document.body.setAttribute('data-same-page', ''))
    const id = randomUUIDv7()
    await send('POST', '/v1/events', {
      id,
      type: 'feature.used',
      time: new Date().toISOString(),
      user: { id: 'a pilot' },
      session: { id },
      data: { feature: 'soundings', status: 200 }
    })
    const now = { 'sessions-total': all + 1, 'active-now': active + 1, 'feature-soundings-uses': 1, 'status-2xx': 1 }
    await eventually(async () => assert.deepEqual(await figuresOf(page, Object.keys(now)), now))
    assert.equal(await page.locator('body[data-same-page]').count(), 1)
    await page.close()
  })

  test('the region filter and the range are in the address, and survive a reload', async () => {
    const page = await openProject()
    await page.getByTestId('region-eu-west').click()
    await showsSessions(page, begun['eu-west'])
    await page.getByTestId('range-30d').click()
    await eventually(() => {
      const { searchParams } = new URL(page.url())
      assert.deepEqual([searchParams.get('region'), searchParams.get('range')], ['eu-west', '30d'])
    })
    await page.reload()
    await showsSessions(page, begun['eu-west'])
    assert.equal(await page.getByTestId('region-eu-west').getAttribute('aria-pressed'), 'true')
    assert.equal(await page.getByTestId('range-30d').getAttribute('aria-pressed'), 'true')

    await page.getByTestId('region-us-east').click()
    await showsSessions(page, begun['eu-west'] + begun['us-east'])
    await page.goBack()
    await showsSessions(page, begun['eu-west'])
    await page.close()
  })

  test('what clients say they lost is beside the books, by reason, and only when there is any', async () => {
    const page = await openProject()
    await showsSessions(page, all + 1)
    const beside = ['client-losses', 'spooled-note'].map(id => page.getByTestId(id))
    for (const line of beside) assert.equal(await line.count(), 0)
    const now = new Date().toISOString()
    const losses = { queue_full: 12, 'rejected:too_old': 3 }
    await send('POST', '/v1/losses', { id: randomUUIDv7(), since: now, until: now, losses })
    const lost = { 'lost-queue_full': 12, 'lost-rejected:too_old': 3 }
    await eventually(async () => assert.deepEqual(await figuresOf(page, Object.keys(lost)), lost))
    assert.match((await beside[0]!.textContent())!, /as they say: ?queue_full 12 ?rejected:too_old 3/)
    assert.equal(await page.getByTestId('ledger-verdict').getAttribute('data-value'), 'balanced')
    await page.close()
  })

  test('a store that is away: what waits on the disk is counted on the page, and gone when it is back', async () => {
    const page = await openProject()
    await showsSessions(page, all + 1)
    const accepted = await figureOf(page, 'ledger-accepted')
    const note = page.getByTestId('spooled-note')
    const spooled = (on: Page, events: number) =>
      eventually(async () => assert.equal(await figureOf(on, 'ledger-spooled'), events))
    // For as long as may be asked for; what follows may take longer, and asks anew.
    const storeAway = () => send('PUT', '/admin/faults', { awayStoreMs: 30_000 })
    await storeAway()
    try {
      const id = randomUUIDv7()
      const event = {
        type: 'session.heartbeat',
        time: new Date().toISOString(),
        user: { id: 'a pilot' },
        session: { id }
      }
      await send(
        'POST',
        '/v1/events',
        [0, 1, 2].map(() => ({ ...event, id: randomUUIDv7() }))
      )
      await spooled(page, 3)
      assert.match((await note.textContent())!, /not in the sums above: 3 \(the oldest for \d+ s, the store is away\)/)
      await page.getByTestId('notice').waitFor()
      await storeAway()
      await page.route('**/v1/spool?*', route => route.abort())
      await eventually(async () => assert.equal(await note.getAttribute('data-stale'), 'true'))
      assert.match((await note.textContent())!, /last known/)
      await page.unroute('**/v1/spool?*')
      await eventually(async () => assert.equal(await note.getAttribute('data-stale'), 'false'), 30_000)

      await storeAway()
      const later = await openProject()
      await spooled(later, 3)
      assert.equal(await later.getByTestId('ledger-accepted').count(), 0, 'nobody can read the books now')
      await later.close()
    } finally {
      await send('PUT', '/admin/faults', { awayStoreMs: 0 })
    }
    await eventually(async () => assert.equal(await note.count(), 0), 30_000)
    await eventually(async () => assert.equal(await figureOf(page, 'ledger-accepted'), accepted + 3), 30_000)
    assert.equal(await page.getByTestId('ledger-verdict').getAttribute('data-value'), 'balanced')
    await showsSessions(page, all + 2)
    await page.close()
  })

  test('a dead subscriber is seen in its table, with what it is behind by, and the others go on', async () => {
    const page = await openProject()
    const shows = (name: string, wanted: string) =>
      eventually(
        async () => assert.equal(await page.getByTestId(`subscriber-${name}-state`).getAttribute('data-value'), wanted),
        30_000
      )
    for (const name of ['analytics', 'billing', 'feed']) await shows(name, 'running')
    await send('PUT', '/admin/faults/subscribers', { subscribers: { billing: 'dead' } })
    try {
      // Of another project: the numbers of this one are looked at below.
      const id = randomUUIDv7()
      const event = { id, type: 'session.start', time: new Date().toISOString(), user: { id: 'x' }, session: { id } }
      await send('POST', '/v1/events', event, 'elsewhere')
      await shows('billing', 'waiting')
      await eventually(async () => {
        const [behind, attempts, parked, others] = await Promise.all(
          ['billing-behind', 'billing-attempts', 'billing-parked', 'analytics-behind'].map(id =>
            figureOf(page, `subscriber-${id}`)
          )
        )
        assert.ok(behind! >= 1 && attempts! >= 1, `${behind} behind, ${attempts} attempts`)
        assert.deepEqual([parked, others], [0, 0])
      }, 30_000)
    } finally {
      await send('PUT', '/admin/faults/subscribers', { subscribers: { billing: 'well' } })
    }
    await shows('billing', 'running')
    await eventually(async () => assert.equal(await figureOf(page, 'subscriber-billing-behind'), 0), 30_000)
    await page.close()
  })

  test('nothing on a phone has to be scrolled sideways', async () => {
    const page = await openProject()
    await page.setViewportSize({ width: 390, height: 844 })
    await showsSessions(page, all + 2)
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
    assert.deepEqual(widths, [390, 390])
    await page.close()
  })

  test('a dead platform leaves the last numbers, marked as stale; its return mends the page', async () => {
    const page = await openProject()
    await showsSessions(page, all + 2)
    const badge = page.getByTestId('freshness-sessions')
    const hasTone = (tone: string) =>
      eventually(async () => assert.equal(await badge.getAttribute('data-tone'), tone), 30_000)
    await hasTone('live')
    const killed = await platform.platformPid()
    // A watcher that stands still restarts nothing, so the page has the time to notice.
    process.kill(platform.pid, 'SIGSTOP')
    try {
      process.kill(killed, 'SIGKILL')
      await hasTone('stale')
      await page.getByTestId('notice').waitFor()
      assert.equal(await figureOf(page, 'sessions-total'), all + 2)
    } finally {
      process.kill(platform.pid, 'SIGCONT')
    }
    await platform.nextReady()
    assert.notEqual(await platform.platformPid(), killed)
    await hasTone('live')
    await putSession('eu-west')
    await showsSessions(page, all + 3)
    await eventually(async () => assert.equal(await page.getByTestId('notice').count(), 0))
    await page.close()
  })

  test('with the platform dead the watcher’s page says so, draws the time before, and has the last good dashboard', async t => {
    const page = await openProject()
    await showsSessions(page, all + 3)
    const known = async () => {
      const state = await (await fetch(`${platform.watcherUrl}/state.json`)).json()
      const dashboards = (state.known.dashboards ?? []) as { project: string; sessions: number }[]
      assert.equal(dashboards.find(one => one.project === project)?.sessions, all + 3)
    }
    await eventually(known, 60_000)
    const killedAt = Date.now()
    process.kill(await platform.platformPid(), 'SIGKILL')
    // Whoever has its port keeps it from starting again, and the watcher goes on trying.
    const squatter = createServer(socket => socket.destroy())
    await eventually(async () => {
      squatter.listen(platform.port, platform.host)
      await Promise.race([
        once(squatter, 'listening'),
        once(squatter, 'error').then(([error]) => Promise.reject(error))
      ])
    })
    try {
      await page.getByTestId('notice').getByText('The watcher says why.').waitFor({ timeout: 60_000 })
      await page.getByTestId('why').click()
      await page.waitForURL(`${platform.watcherUrl}/`)
      await eventually(async () => {
        const why = (await page.getByTestId('why').textContent({ timeout: 1_000 })) ?? ''
        assert.match(why, /down/)
        assert.match(why, /the platform ended by SIGKILL/)
      }, 60_000)
      assert.ok((await page.locator('figure.chart path.line').count()) > 0, 'there is something to look at')
      const dashboard = page.getByTestId('dashboard').filter({ hasText: project })
      assert.match((await dashboard.textContent())!, new RegExp(`${all + 3}sessions`))
      assert.match((await dashboard.getByTestId('dashboard-age').textContent())!, /^\d+ s ago$/)
      assert.match((await page.textContent('body'))!, /Last exits.*SIGKILL/s)
      const why = await (await fetch(`${platform.watcherUrl}/why.json`)).json()
      assert.equal(why.state, 'down')
      await page.setViewportSize({ width: 390, height: 844 })
      const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
      assert.deepEqual(widths, [390, 390])
      const times = await healthWhilePagesAreRead(platform.watcherUrl)
      t.diagnostic(`/health beside two who ask for the page: p50 ${times.p50} ms, p99 ${times.p99} ms`)
      assert.ok(times.p50 < 250, JSON.stringify(times))
      await eventually(() => {
        const [alert] = hook.told.filter(({ event, at }) => event !== 'incident.closed' && Date.parse(at) >= killedAt)
        assert.ok(alert?.incident.title, 'the webhook is told while the platform is dead')
        assert.equal(alert.page, platform.watcherUrl)
      }, 60_000)
    } finally {
      await new Promise(resolve => squatter.close(resolve))
    }
    await page.close()
  })

  test('no page threw, or met the content security policy', () => {
    assert.deepEqual(faults.flat(), [])
  })
})
