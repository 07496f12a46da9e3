import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StartedPlatform } from '@plimsoll/bench'
import { eventually } from '@plimsoll/bench/end-to-end'
import type { Dashboard } from '@plimsoll/service-analytics/contract'
import type { LedgerAnswer, SpoolAnswer } from '@plimsoll/service-telemetry/ledger-contract'
import { freePort, type Home, newHome } from './home.ts'
import { PatientClient } from './patient-client.ts'
import { between, pick, seededRandom } from './seeded-random.ts'

const seed = 31
const project = 'outage'
/** Requests that are spooled, and events in each: some sixty transactions of the drain. */
const requests = 120
const eventsEach = 500
/** Events that are spooled: one of each request is refused. */
const all = requests * (eventsEach - 1)
/** Kills of one outage, as long as something waits: a fast machine is done before the last. */
const mostKills = 5
/** From the drain's first progress to every second kill, in milliseconds: a transaction takes fifteen to fifty. The others come at once. */
const longestLifeMs = 150
/** Outages, until a kill met a drain half done: the whole of one may pass between two looks at it. */
const mostOutages = 6

interface Sent {
  id: string
  type: string
  time: string
  user: { id: string }
  session: { id: string }
  data: { feature: string }
}

describe('kill -9 of the platform at random instants while it drains its spool', () => {
  const random = seededRandom(seed)
  let home: Home
  let platform: StartedPlatform
  let client: PatientClient
  /** Each event once, and how often things came that are no new event. */
  const sent: Sent[] = []
  let again = 0
  let bad = 0
  let kills = 0

  before(async () => {
    home = await newHome()
    platform = await home.start('--port', String(await freePort()), '--fault-knobs')
    client = new PatientClient(platform.url, await platform.createKey(project))
  })
  after(async () => {
    await platform?.stop()
    await home?.remove()
  })

  const waiting = async () => (await platform.get<SpoolAnswer>('/v1/spool', project)).events!
  /** What `/metrics` says of the spool, by the ends of the names. */
  async function spoolMetrics(): Promise<Record<string, number>> {
    const text = await (await fetch(`${platform.url}/metrics`)).text()
    return Object.fromEntries(
      [...text.matchAll(/^plimsoll_spool_(\w+) (\S+)$/gm)].map(([, name, n]) => [name!, Number(n)])
    )
  }
  async function storeAway(ms: number): Promise<void> {
    const response = await fetch(`${platform.url}/admin/faults`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${platform.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ awayStoreMs: ms })
    })
    assert.equal(response.status, 204)
  }
  const sessions = Array.from({ length: 300 }, () => ({ id: randomUUIDv7() }))
  const newEvent = (): Sent => ({
    id: randomUUIDv7(),
    type: 'feature.used',
    time: new Date().toISOString(),
    user: { id: `demo-user-${between(random, 1, 100)}` },
    session: pick(random, sessions),
    data: { feature: pick(random, ['soundings', 'bearings', 'tides']) }
  })
  const post = async (events: unknown[]) =>
    (await client.post<{ results: { result: string; code?: string }[] }>('/v1/events', events)).body.results

  async function spool(): Promise<void> {
    // A platform that has just started takes a key only once the store has told it of that key.
    const first = Array.from({ length: eventsEach }, newEvent)
    assert.ok((await post(first)).every(({ result }) => result === 'accepted'))
    sent.push(...first)
    for (let n = 0; n < requests; n++) {
      // For as long as may be asked for, each time anew: all of them may take longer.
      await storeAway(30_000)
      const fresh = Array.from({ length: eventsEach - 10 }, newEvent)
      // Some that are in the store or in the spool already, and one that is no event.
      const known = Array.from({ length: 9 }, () => pick(random, sent))
      const results = await post([...fresh, ...known, { nonsense: true }])
      assert.deepEqual(new Set(results.map(({ code }) => code)), new Set(['spooled', 'unknown_type']))
      sent.push(...fresh)
      again += known.length
      bad++
    }
    assert.equal(await waiting(), all)
  }
  /** How many wait, as soon as they are fewer than `before`: asked without a pause, since a fast drain is soon done. */
  async function progressFrom(before: number): Promise<number> {
    for (const until = performance.now() + 20_000; ; ) {
      const now = await waiting()
      if (now < before) return now
      assert.ok(performance.now() < until, 'the drain has not begun')
    }
  }
  /**
   * Kills the drain of one outage. How many events still waited at each kill, as of the last look: what is there when the
   * next process is ready, it has mostly drained already.
   */
  async function killWhileItDrains(): Promise<number[]> {
    const left: number[] = []
    let before = all
    let pid = await platform.platformPid()
    await storeAway(0)
    for (let n = 1; n <= mostKills && before > 0; n++) {
      before = await progressFrom(before)
      if (before === 0) break
      if (n % 2 === 0) await sleep(between(random, 0, longestLifeMs))
      else left.push(before)
      process.kill(pid, 'SIGKILL')
      assert.equal((await platform.nextReady()).restarts, ++kills)
      pid = await platform.platformPid()
      const now = await waiting()
      assert.ok(now <= before, `${now} wait after the kill, ${before} before it`)
      before = now
    }
    await eventually(async () => assert.equal(await waiting(), 0), 60_000)
    return left
  }

  test('what comes while the store is away is spooled', async () => {
    await spool()
    const metrics = await spoolMetrics()
    assert.ok(metrics.bytes! > 1_000_000 && metrics.oldest_age_seconds! > 0)
    assert.deepEqual([metrics.events, metrics.records, metrics.store_away, metrics.shed_total], [all, requests, 1, 0])
  })

  test('each time the drain goes on where it was', async t => {
    const left: number[] = []
    // A transaction may have ended between the look and the kill, and not ten of them.
    const inTheMiddle = () => left.filter(events => events >= 10_000).length
    for (let outage = 1; outage <= mostOutages && inTheMiddle() === 0; outage++) {
      if (outage > 1) await spool()
      left.push(...(await killWhileItDrains()))
      const { events, records, oldest_age_seconds, store_away } = await spoolMetrics()
      assert.deepEqual([events, records, oldest_age_seconds, store_away], [0, 0, 0, 0])
    }
    t.diagnostic(`of ${all} spooled events ${left.join(', ')} still waited at the kills that came at once`)
    assert.ok(inTheMiddle() >= 1, 'no kill left a drain half done')
  })

  test('nothing is lost, nothing is counted twice, and the books balance', async () => {
    const books = await eventually(async () => {
      const now = await platform.get<LedgerAnswer>('/v1/ledger', project)
      assert.equal(now.pending, 0)
      return now
    })
    assert.equal(books.balanced, true)
    const { received, accepted, duplicate, rejected, quarantined, spooled } = books
    assert.deepEqual(
      { received, accepted, duplicate, rejected, quarantined, spooled },
      {
        received: sent.length + again + bad,
        accepted: sent.length,
        duplicate: again,
        rejected: bad,
        quarantined: 0,
        spooled: 0
      }
    )
    const uses = Object.fromEntries(
      Object.entries(Object.groupBy(sent, ({ data }) => data.feature)).map(([name, used]) => [name, used!.length])
    )
    const { features } = await platform.get<Dashboard>(`/v1/dashboard?project=${project}&consistency=latest`)
    assert.deepEqual(Object.fromEntries(features.map(({ feature, uses }) => [feature, uses])), uses)
  })

  // After the other, because what is sent again would mend what was lost.
  test('each event is known when it is sent again', async () => {
    for (let from = 0; from < sent.length; from += eventsEach) {
      for (const { result } of await post(sent.slice(from, from + eventsEach))) assert.equal(result, 'duplicate')
    }
  })
})
