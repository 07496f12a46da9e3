import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { StartedPlatform } from '@plimsoll/bench'
import { eventually } from '@plimsoll/bench/end-to-end'
import { readRecords, type Source } from '@plimsoll/recorder'
import { vocabulary } from '@plimsoll/recorder/testing'
import { generateAccessLog } from './access-log-generator.ts'
import { type Home, newHome } from './home.ts'
import { lastJson, runCli } from './run-cli.ts'

const password = 'hold-fast-8812'
/** Of which pages may post to the platform under test. */
const listedOrigin = 'https://shop.example'

describe('the commands of a running platform', () => {
  let home: Home
  let platform: StartedPlatform
  const run = (...args: string[]) => runCli(home, args)

  before(async () => {
    home = await newHome()
    platform = await home.start('--origins', `${listedOrigin},http://localhost:3000`)
  })
  after(async () => {
    await platform?.stop()
    await home?.remove()
  })

  async function answerOf<T>(...args: string[]): Promise<T> {
    const ran = await run(...args, '--json')
    assert.equal(ran.code, 0, ran.stderr)
    return lastJson<T>(ran)
  }

  test('status says that it is up, where it stands, and whether the books balance', async () => {
    const status = await answerOf<{ up: boolean; phase: string; ledger: { balanced: boolean } }>('status')
    assert.deepEqual([status.up, status.phase, status.ledger.balanced], [true, 'ready', true])
    assert.match((await run('status')).stdout, /^pass: up/)
  })

  test('why reads what both processes have recorded of this run', async () => {
    const recorded = () => readRecords(join(home.data, 'recorder')).records
    const has = (one: Source, ...names: string[]) => {
      const seen = new Set(
        recorded().flatMap(r => (r.kind === 'sample' && r.source === one ? Object.keys(r.values) : []))
      )
      for (const name of names) assert.ok(seen.has(name), `${one}: ${name}`)
    }
    await eventually(() => {
      has('platform', 'cpu.process', 'memory.heap.limit', 'loop.delay.max', 'gc.time', 'disk.free', 'clock.jump')
      has('platform', 'http.requests', 'ingest.pending', 'spool.limit', 'subscriber.analytics.lag', 'recorder.cost')
      has('platform', 'dependency.metadata.breaker', 'store.primary.held', 'store.read.up')
      has('watcher', 'platform.phase', 'platform.silent', 'probe.main', 'probe.ready', 'disk.free', 'clock.jump')
    }, 60_000)
    const happened = recorded().flatMap(r => (r.kind === 'occurrence' ? [`${r.source} ${r.name}`] : []))
    assert.deepEqual(happened.slice(0, 3), ['watcher start', 'platform start', 'platform ready'])
    // A machine that is busy with other tests may be called busy.
    const { state } = lastJson<{ state: string }>(await run('why', '--json'))
    assert.ok(state === 'healthy' || state === 'degraded', state)
  })

  test('stats of a project without events are true zeros', async () => {
    const stats = await answerOf<Record<string, unknown>>('stats', '--project', 'nobody')
    assert.deepEqual([stats.project, stats.range, stats.sessions, stats.users], ['nobody', null, 0, 0])
  })

  test('demo fills a project, which sessions then lists', async () => {
    const demo = await answerOf<{ project: string; accepted: number; duplicate: number }>(
      ...['demo', '--no-live', '--days', '1', '--sessions-per-day', '50']
    )
    assert.equal(demo.project, 'demo')
    assert.ok(demo.accepted > 50, `${demo.accepted} events`)
    const listed = await answerOf<{ sessions: { id: string }[]; next: string | null }>(
      ...['sessions', '--project', 'demo', '--limit', '5']
    )
    assert.equal(listed.sessions.length, 5)
    assert.equal(listed.next, listed.sessions.at(-1)?.id)
    const lines = (await run('sessions', '--project', 'demo', '--limit', '5')).stdout.trimEnd().split('\n')
    assert.equal(lines.length, 6, 'a heading and five sessions')
  })

  test('a key that is made can write, and can do nothing else', async () => {
    const { key, project } = await answerOf<{ key: string; project: string }>('keys', 'create', '--project', 'boat')
    assert.equal(project, 'boat')
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const id = randomUUIDv7()
    const event = { id, type: 'session.start', time: new Date().toISOString(), user: { id: 'u' }, session: { id } }
    const body = JSON.stringify(event)
    const sent = await fetch(`${platform.url}/v1/events`, { method: 'POST', headers, body })
    assert.equal(sent.status, 200)
    assert.equal((await fetch(`${platform.url}/v1/sessions/${id}`, { headers })).status, 403)
    const boat = ['--project', 'boat']
    const { keys } = await answerOf<{ keys: { id: string; revokedAt: string | null }[] }>('keys', 'list', ...boat)
    assert.deepEqual([keys.length, keys[0]!.revokedAt, key.startsWith(`plk_${keys[0]!.id}_`)], [1, null, true])
    assert.match((await run('keys', 'revoke', key, ...boat)).stdout, new RegExp(`^${keys[0]!.id} of project boat`))
    assert.equal((await fetch(`${platform.url}/v1/events`, { method: 'POST', headers, body })).status, 401)
    assert.match((await run('keys', 'revoke', '000000000000', ...boat)).stderr, /404 key_not_found/)
  })

  test('a page may post when its origin is on the list that `up` was given', async () => {
    for (const path of ['/v1/events', '/v1/losses']) {
      const allowed = async (origin: string) => {
        const headers = { origin, 'access-control-request-method': 'POST' }
        const preflight = await fetch(platform.url + path, { method: 'OPTIONS', headers })
        return preflight.headers.get('access-control-allow-origin')
      }
      assert.equal(await allowed(listedOrigin), listedOrigin)
      assert.equal(await allowed('http://localhost:3000'), 'http://localhost:3000')
      assert.equal(await allowed('https://other.example'), null)
    }
  })

  test('history tells who changed what of a user and why, and what they were; an erasure leaves nothing to read', async () => {
    const email = 'marlinspike@old.example'
    const add = ['users', 'add', 'user/42', '--email', email, '--name', 'Marlin Spike', '--plan', 'free']
    assert.equal((await answerOf<{ version: number }>(...add, '--region', 'north')).version, 1)
    const change = ['users', 'change', 'user/42', '--email', 'marlinspike@new.example', '--plan', 'gold']
    const changed = await run(...change, '--by', 'support/7', '--reason', 'Marlin asked')
    assert.equal(changed.stdout, 'user/42 version 3: user.email-changed, user.plan-changed\n', changed.stderr)
    assert.equal((await run(...add, '--region', 'north')).code, 1, 'an id is used once')
    // What is known of users follows their events, and is what their sessions are counted under.
    const { metadataUrl } = JSON.parse(await readFile(join(home.data, 'platform.json'), 'utf8'))
    const known = async () => (await fetch(`${metadataUrl}/v1/users/42/metadata`)).json() as Promise<{ tier?: string }>
    await eventually(async () => assert.equal((await known()).tier, 'gold'))
    const id = randomUUIDv7()
    const headers = { authorization: `Bearer ${platform.adminToken}`, 'content-type': 'application/json' }
    const begin = { method: 'POST', headers: { ...headers, 'idempotency-key': id } }
    const begun = await fetch(`${platform.url}/v1/sessions`, { ...begin, body: `{"id":"${id}","user":{"id":"42"}}` })
    assert.equal(begun.status, 201)
    await eventually(async () => {
      const { enrichment } = await platform.get<{ enrichment: { region?: string } }>(`/v1/sessions/${id}`)
      assert.equal(enrichment.region, 'north')
    })

    const told = await answerOf<{ entries: { at: string; who: string; why: string | null; changes: unknown[] }[] }>(
      ...['history', 'user/42']
    )
    assert.deepEqual(
      told.entries.map(({ who, why }) => [who, why]),
      [
        ['admin', null],
        ['support/7', 'Marlin asked'],
        ['support/7', 'Marlin asked']
      ]
    )
    const lines = (await run('history', 'user/42')).stdout
    assert.match(lines, /2 user\.email-changed {2}by support\/7: Marlin asked\n {4}email: marlinspike@old\S+ → marlin/)
    const then = await answerOf<{ email: string; plan: string }>('history', 'user/42', '--at', told.entries[0]!.at)
    assert.deepEqual([then.email, then.plan], [email, 'free'])

    interface Receipt {
      scan: { texts: number; found: unknown[]; tables: number; files: number }
    }
    const counted = () => answerOf<{ sessions: number; users: number; ledger: { accepted: number } }>('stats')
    const { sessions, users, ledger } = await eventually(async () => {
      const told = await counted()
      assert.ok(told.sessions > 0)
      return told
    })
    const { scan } = await answerOf<Receipt>('erase', 'user/42', '--reason', 'asked')
    assert.deepEqual([scan.texts, scan.found], [4, []], JSON.stringify(scan))
    const leastFiles = home.env.PLIMSOLL_DATABASE_URL ? 1 : 500
    assert.ok(scan.tables > 15 && scan.files >= leastFiles, JSON.stringify(scan))
    assert.doesNotMatch((await run('history', 'user/42')).stdout, /marlin/i)
    await eventually(async () => assert.equal((await known()).tier, undefined))
    const kept = await platform.get<{ enrichment: { tier?: string } }>(`/v1/sessions/${id}`)
    const after = await counted()
    assert.deepEqual([after.sessions, after.users, after.ledger.accepted], [sessions, users, ledger.accepted])
    assert.equal(kept.enrichment.tier, 'gold', 'what was counted stays counted')

    const before = await run('history', 'user/42', '--at', '2020-01-01T00:00:00Z')
    assert.deepEqual([before.code, /404 user_not_found/.test(before.stderr)], [1, true])
    assert.equal((await run('history', 'user/nobody')).code, 1)
    assert.match(
      (await run('erase', 'user/42', '--reason', 'again')).stdout,
      /none was found\n$/,
      'the receipt is kept'
    )
    assert.equal((await run('erase', 'user/nobody', '--reason', 'asked')).code, 1)
  })

  test('rebuild makes read models anew, views says how they stand', async () => {
    assert.deepEqual(await answerOf('rebuild', 'projects'), { views: ['projects'] })
    await eventually(async () => {
      assert.equal((await answerOf<{ rebuild: unknown }>('views')).rebuild, null)
    })
    assert.match((await run('views')).stdout, /^projects +version \d+, on-event, \d+ ms behind$/m)
    const none = await run('rebuild', 'no-such-view')
    assert.equal(none.code, 2)
    assert.match(none.stderr, /404 unknown_view: there is no view named no-such-view/)
  })

  test('both processes record each series of the vocabulary, and no other', {
    skip: process.platform !== 'linux'
  }, async () => {
    // These need more than a well platform without a broker and without TLS: watching.test.ts, certificate-ends.test.ts and drills.
    const more = /^(broker|expiry|pressure)\.|^dependency\.NAME\.probe|^subscriber\.NAME\.parked|^ingest\.turned-away/
    await eventually(() => {
      const { records } = readRecords(join(home.data, 'recorder'))
      for (const [source, names] of Object.entries(vocabulary())) {
        const seen = new Set(
          records.flatMap(one => (one.kind === 'sample' && one.source === source ? Object.keys(one.values) : []))
        )
        const recorded = new Set(
          [...seen].map(name => name.replace(/^(store|dependency|subscriber|broker|expiry)\.[^.]+/, '$1.NAME'))
        )
        assert.deepEqual(
          [...recorded].filter(name => !names.includes(name)),
          [],
          `unknown, of the ${source}`
        )
        assert.deepEqual(
          names.filter(name => !recorded.has(name) && !more.test(name)),
          [],
          `missing, of the ${source}`
        )
      }
    }, 60_000)
  })

  test('sign-in prints a link that works once', async () => {
    const { link } = await answerOf<{ link: string }>('sign-in')
    const [page, token] = link.split('#')
    assert.equal(page, `${platform.url}/sign-in`)
    const redeem = () =>
      fetch(`${platform.url}/v1/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token })
      })
    assert.equal((await redeem()).status, 204)
    assert.equal((await redeem()).status, 401)
  })

  test('config prints what is in force and where it came from, but no password', async () => {
    const file = join(home.data, 'settings.json')
    await writeFile(file, JSON.stringify({ logLevel: 'error', port: 1234 }))
    const env = { PLIMSOLL_READ_DATABASE_URL: `postgres://mate:${password}@db.example/read?sslpassword=${password}` }
    const url = `postgres://captain:${password}@db.example/log`
    const origins = `${listedOrigin}, http://localhost`
    const flags = ['config', '--config', file, '--port', '4321', '--database-url', url, '--origins', origins]
    const ran = await runCli(home, [...flags, '--json'], { env })
    assert.equal(ran.code, 0, ran.stderr)
    const { settings } = lastJson<{ settings: Record<string, { value: unknown; source: string }> }>(ran)
    assert.deepEqual(settings.port, { value: 4321, source: 'flag' })
    assert.deepEqual(settings.logLevel, { value: 'error', source: 'file' })
    assert.deepEqual(settings.data, { value: home.data, source: 'environment' })
    assert.deepEqual(settings.origins, { value: [listedOrigin, 'http://localhost'], source: 'flag' })
    assert.deepEqual(settings.host, { value: '127.0.0.1', source: 'default' })
    assert.match(String(settings.databaseUrl?.value), /captain.*@db\.example/)
    const forPeople = await runCli(home, flags, { env })
    assert.match(forPeople.stdout, /^origins +https:\/\/shop\.example,http:\/\/localhost +flag +PLIMSOLL_ORIGINS$/m)
    assert.doesNotMatch(ran.stdout + ran.stderr + forPeople.stdout + forPeople.stderr, new RegExp(password))
  })

  test('what cannot be understood ends with 2 and says what it was', async () => {
    const refusals: [args: string[], said: RegExp][] = [
      [['frobnicate'], /unknown command 'frobnicate'/],
      [['stats', '--frobnicate'], /unknown option '--frobnicate'/],
      [['import'], /missing required argument 'files'/],
      [['keys'], /create/],
      [['sessions', '--limit', '0'], /--limit must be 1 to 200/],
      [['history', 'order/42'], /names no user; one is named as user\/42/],
      [['users', 'change', 'user/42'], /nothing to change/],
      [['users', 'change', 'user/42', '--flag', 'beta=maybe'], /a flag is on, off or none/],
      [['history', 'user/42', '--at', 'yesterday'], /400 invalid_request/],
      [['demo', '--days', 'x'], /--days must be a whole number/],
      [['drill', 'nothing-of-the-kind'], /slow-metadata/],
      [['serve', 'nothing-of-the-kind'], /telemetry, analytics, billing, feed, metadata/],
      [['stats', '--project', 'No Such Name'], /project/i],
      [['config', '--port', '70000'], /port/],
      [['config', '--origins', 'shop.example'], /--origins: origins must be a list of origins/],
      [['config', '--config', join(home.data, 'no-such-file.json')], /no-such-file\.json/]
    ]
    for (const [args, said] of refusals) {
      const ran = await run(...args)
      assert.equal(ran.code, 2, `${args.join(' ')}: ${ran.code} ${ran.stderr}`)
      assert.match(ran.stderr, said)
      assert.doesNotMatch(ran.stderr, /\n {4}at /, 'no stack')
    }
    const unknown = await runCli(home, ['config'], { env: { PLIMSOLL_PROT: '1' } })
    assert.deepEqual([unknown.code, /PLIMSOLL_PROT/.test(unknown.stderr)], [2, true])
  })

  test('import ends with 0 when every line was taken, 3 when one was refused, and names a file it cannot read', async () => {
    const { text, expected } = generateAccessLog({ seed: 4, users: 5, sessionsPerUser: 2, linesPerSession: 3 })
    const sound = text
      .split('\n')
      .toSpliced(expected.refusedLine - 1, 1)
      .join('\n')
    assert.equal((await runCli(home, ['import', '-', '--project', 'sound'], { input: sound })).code, 0)
    const refused = await runCli(home, ['import', '-', '--project', 'cut'], { input: text })
    assert.equal(refused.code, 3)
    assert.match(refused.stdout, new RegExp(`-:${expected.refusedLine} +malformed_line`))
    const missing = await run('import', join(home.data, 'no-such.log'))
    assert.equal(missing.code, 2)
    assert.match(missing.stderr, /no-such\.log cannot be read/)
  })

  test('a second `up` on the same folder is refused, names the first, and does it no harm', async () => {
    const second = await run('up', '--no-demo', '--port', '0', '--watcher-port', '0', '--health-port', '0')
    assert.equal(second.code, 2)
    assert.match(second.stderr, new RegExp(`process ${platform.pid}\\b`))
    const status = await answerOf<{ up: boolean; restarts: number }>('status')
    assert.deepEqual([status.up, status.restarts], [true, 0])
  })
})

describe('starting and stopping', () => {
  let home: Home
  before(async () => {
    home = await newHome()
  })
  after(() => home.remove())

  test('where no platform ever ran, every command says so and ends with 2', async () => {
    for (const command of [
      'status',
      'stats',
      'sessions',
      'history user/42',
      'sign-in',
      'demo',
      'keys create',
      'keys list',
      'import -'
    ]) {
      const ran = await runCli(home, [...command.split(' '), '--json'])
      assert.equal(ran.code, 2, `${command}: ${ran.code} ${ran.stderr}`)
      assert.match(ran.stderr, /no platform has run in .*start one with `npm start`/)
      assert.equal(ran.stdout, '')
    }
  })

  test('SIGTERM ends both processes cleanly, and what was stored is there at the next start', async () => {
    const first = await home.start()
    const id = randomUUIDv7()
    const platformPid = await first.platformPid()
    const headers = { authorization: `Bearer ${first.adminToken}`, 'content-type': 'application/json' }
    const put = await fetch(`${first.url}/v1/sessions/${id}`, {
      method: 'PUT',
      headers,
      body: JSON.stringify({ user: { id: 'u' } })
    })
    assert.equal(put.status, 200)
    await first.stop()
    assert.deepEqual([isAlive(first.pid), isAlive(platformPid)], [false, false])
    assert.deepEqual(await exitsIn(home), ['0'])
    assert.deepEqual(await locksIn(home), [])

    assert.equal((await runCli(home, ['status'])).code, 1, 'it ran, and does not run now')
    const unanswered = await runCli(home, ['stats'])
    assert.equal(unanswered.code, 2)
    assert.match(unanswered.stderr, /does not answer .*is it running\?/)

    const again = await home.start()
    const kept = await again.get<{ id: string }>(`/v1/sessions/${id}`).finally(() => again.stop())
    assert.equal(kept.id, id)
    assert.deepEqual(await locksIn(home), [])
  })

  test('a platform whose watcher is gone ends by itself, and the folder can be used again', async () => {
    const first = await home.start()
    const orphan = await first.platformPid()
    process.kill(first.pid, 'SIGKILL')
    await eventually(() => assert.equal(isAlive(orphan), false))
    const second = await home.start()
    await second.stop()
  })
})

describe('a platform that cannot start', () => {
  test('ends with 2, says why, and leaves the folder to the next', async t => {
    const home = await newHome()
    t.after(() => home.remove())
    const flags = ['--port', '0', '--watcher-port', '0', '--health-port', '0']
    const ran = await runCli(home, ['up', ...flags], { env: { PLIMSOLL_DATABASE_URL: 'postgres://127.0.0.1:1/none' } })
    assert.equal(ran.code, 2, ran.stderr)
    assert.match(ran.stderr.trimEnd().split('\n').at(-1)!, /ECONNREFUSED/)
    assert.deepEqual(await exitsIn(home), ['2'])
    assert.deepEqual(await locksIn(home), [])
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const locksIn = async ({ data }: Home) => (await readdir(data)).filter(name => name.includes('.lock'))

async function exitsIn({ data }: Home): Promise<string[]> {
  const file = join(data, 'exits.json')
  if (!existsSync(file)) return []
  const exits = JSON.parse(await readFile(file, 'utf8')) as { code: number | null; signal: string | null }[]
  return exits.map(({ code, signal }) => signal ?? String(code))
}
