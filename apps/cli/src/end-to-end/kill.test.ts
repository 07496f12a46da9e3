import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StartedPlatform } from '@plimsoll/bench'
import { eventually } from '@plimsoll/bench/end-to-end'
import type { Dashboard } from '@plimsoll/service-analytics/contract'
import type { LedgerAnswer } from '@plimsoll/service-telemetry/ledger-contract'
import type { Stats } from '../commands/stats.ts'
import { type Expected, generateAccessLog } from './access-log-generator.ts'
import { freePort, type Home, newHome } from './home.ts'
import { LiveTraffic } from './live-traffic.ts'
import { lastJson, runCli } from './run-cli.ts'
import { between, seededRandom } from './seeded-random.ts'

const seed = 18
const kills = 20
/** A run that served for two seconds is started again at once, a shorter one later each time: some of both. */
const longestRunMs = 2_600

describe('kill -9 of the platform at twenty random instants, during an import and live traffic', () => {
  let home: Home
  let platform: StartedPlatform
  let traffic: LiveTraffic
  const imported: { project: string; log: string; expected: Expected; accepted: number; duplicate: number }[] = []

  before(async () => {
    home = await newHome()
    platform = await home.start('--port', String(await freePort()))
    traffic = new LiveTraffic(platform.url, await platform.createKey('live'), seed)
  })
  after(async () => {
    await platform?.stop()
    await home?.remove()
  })

  /** One import after another, so that no kill comes when all is quiet. */
  async function importUntil(stopped: () => boolean): Promise<void> {
    for (let n = 1; !stopped(); n++) {
      // The first has some 20,000 lines and meets most of the kills; the others keep the imports going.
      const users = n === 1 ? 500 : 100
      const { text, expected } = generateAccessLog({ seed: seed + n, users, sessionsPerUser: 4, linesPerSession: 10 })
      const log = join(home.data, `import-${n}.log`)
      const project = `import-${n}`
      await writeFile(log, text)
      const ran = await runCli(home, ['import', log, '--project', project, '--json'], { timeoutMs: 240_000 })
      assert.equal(ran.code, 3, ran.stderr)
      imported.push({ project, log, expected, ...lastJson<{ accepted: number; duplicate: number }>(ran) })
    }
  }

  test('it is back each time', async t => {
    const random = seededRandom(seed)
    const pids = new Set<number>()
    let done = false
    const began = performance.now()
    traffic.start(3)
    const importing = importUntil(() => done)
    // Waited for below; until then a failure must not end the process.
    importing.catch(() => undefined)
    let servedMs = 0
    for (let n = 1; n <= kills; n++) {
      const runMs = between(random, 0, longestRunMs)
      servedMs += runMs
      await sleep(runMs)
      const pid = await platform.platformPid()
      pids.add(pid)
      process.kill(pid, 'SIGKILL')
      const { restarts } = await platform.nextReady()
      assert.equal(restarts, n)
    }
    done = true
    await Promise.all([importing, traffic.stop()])
    assert.equal(pids.size, kills)
    assert.ok(traffic.retries > 0, 'some request met a dead platform')
    const exits = JSON.parse(await readFile(join(home.data, 'exits.json'), 'utf8')) as { signal: string }[]
    assert.deepEqual(
      exits.map(({ signal }) => signal),
      new Array(kills).fill('SIGKILL')
    )
    t.diagnostic(
      `${kills} kills in ${seconds(performance.now() - began)}, of which it served ${seconds(servedMs)}; ` +
        `${imported.length} imports, ${traffic.events.length} live events, ${traffic.sessions.length} live sessions, ` +
        `${traffic.retries} requests sent again`
    )
  })

  test('nothing acknowledged is lost or counted twice: the books hold each id once, and balance', async () => {
    const books = await settledBooks('live')
    assert.equal(books.accepted, traffic.events.length + traffic.sessions.length)
    assert.equal(books.rejected + books.quarantined, 0)
  })

  test('the dashboard shows what was sent, no more and no less', async () => {
    const { asOf } = await settledBooks('live')
    const dashboard = await eventually(async () => {
      const answer = await platform.get<Dashboard>('/v1/dashboard?project=live')
      assert.ok(answer.freshness.complete && answer.freshness.asOf >= asOf)
      return answer
    })
    assert.deepEqual(
      {
        sessions: dashboard.sessions.total,
        users: dashboard.sessions.users,
        features: Object.fromEntries(dashboard.features.map(({ feature, uses }) => [feature, uses]))
      },
      traffic.expected
    )
  })

  test('each session has the events that were sent for it', async () => {
    const sent = new Map<string, number>()
    for (const { session } of traffic.events) sent.set(session.id, (sent.get(session.id) ?? 0) + 1)
    for (const [id, events] of [...sent].slice(0, 100)) {
      const session = await platform.get<{ events: number }>(`/v1/sessions/${id}`, 'live')
      assert.equal(session.events, events)
    }
  })

  // After the others, because what is sent again would mend what was lost.
  test('all of it is known when it is sent again, and no number moves', async () => {
    const before = await settledBooks('live')
    assert.deepEqual(await traffic.sendAgain(), {
      events: { duplicate: traffic.events.length },
      sessions: { replayed: traffic.sessions.length }
    })
    const { accepted, duplicate } = await settledBooks('live')
    assert.deepEqual([accepted, duplicate], [before.accepted, before.duplicate + before.accepted])
  })

  test('each import counted each line once', async () => {
    for (const { project, expected, accepted, duplicate } of imported) {
      // What was stored when the platform died before its answer came back as a duplicate.
      assert.equal(accepted + duplicate, expected.accepted)
      assert.equal((await settledBooks(project)).accepted, expected.accepted)
      const stats = lastJson<Stats>(await runCli(home, ['stats', '--project', project, '--json']))
      assert.deepEqual(
        [stats.sessions, stats.users, stats.sessionsByDay, usesIn(stats)],
        [expected.sessions, expected.users, expected.sessionsByDay, expected.features]
      )
    }
  })

  test('importing again adds nothing', async () => {
    const { project, log, expected } = imported[0]!
    const again = lastJson<{ accepted: number; duplicate: number }>(
      await runCli(home, ['import', log, '--project', project, '--json'])
    )
    assert.deepEqual([again.accepted, again.duplicate], [0, expected.accepted])
  })

  /** The books once everything is counted; they must balance all the while. */
  function settledBooks(project: string): Promise<LedgerAnswer> {
    return eventually(async () => {
      const books = await platform.get<LedgerAnswer>('/v1/ledger', project)
      assert.equal(books.received, books.accepted + books.duplicate + books.rejected + books.quarantined)
      assert.equal(books.balanced, true)
      assert.equal(books.pending, 0)
      return books
    }, 20_000)
  }
})

const usesIn = ({ topFeatures }: Stats) => Object.fromEntries(topFeatures.map(({ feature, uses }) => [feature, uses]))
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
