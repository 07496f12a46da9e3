import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as soon } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openScratch, scratchDatabase, testTemplate } from '@plimsoll/database/testing'
import { type Message, PubSub } from '@plimsoll/pubsub'
import { redisBroker } from '@plimsoll/pubsub/redis'
import pino from 'pino'
import type { BrokerState } from '../black-box/broker-figures.ts'
import { unwatched } from '../black-box/watching.ts'
import { DataDirectory } from '../data-directory.ts'
import { startPlatform } from '../platform.ts'
import { resolveSettings, SettingError, type Settings } from '../settings.ts'
import type { SubscribersAnswer } from '../subscribers-contract.ts'
import { connectTo } from './connect.ts'
import { messageOf, type PublishedEvent } from './relay.ts'

const run = promisify(execFile)
const scripts = fileURLToPath(new URL('../../../../deploy/engines/redis/', import.meta.url))
const patienceMs = 60_000

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + patienceMs; !(await holds()); await soon(10))
    if (performance.now() > end) assert.fail(`not in ${patienceMs} ms: ${what}`)
}

/** What is begun last is ended first, however the test ends. */
function closing(t: TestContext): (step: () => Promise<unknown>) => void {
  const steps: (() => Promise<unknown>)[] = []
  t.after(async () => {
    for (const step of steps.reverse()) await step()
  })
  return step => void steps.push(step)
}
type Later = ReturnType<typeof closing>

/** A Redis of `deploy/engines`, which can be killed and started again on what it kept. */
async function startRedis(later: Later) {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-broker-'))
  const held = createServer().listen(0, '127.0.0.1')
  await once(held, 'listening')
  const { port } = held.address() as AddressInfo
  held.close()
  await once(held, 'close')
  const start = async () => (await run(join(scripts, 'start'), [String(port), folder])).stdout.trim()
  later(async () => {
    await run(join(scripts, 'stop'), [folder]).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  })
  return {
    url: await start(),
    start,
    async kill() {
      process.kill(Number(await readFile(join(folder, 'redis.pid'), 'utf8')), 'SIGKILL')
    }
  }
}

/** The platform in this process, and what it says of its broker. */
async function started(later: Later, over: Partial<Settings>) {
  process.env.PLIMSOLL_DATABASE_TEMPLATE = await testTemplate()
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-broker-platform-'))
  const server = process.env.PLIMSOLL_DATABASE_URL ? await scratchDatabase() : undefined
  const data = new DataDirectory(folder)
  const settings: Settings = {
    ...resolveSettings({ environment: {}, file: undefined, flags: { port: 0 } }).settings,
    ...(server ? { databaseUrl: server.url } : {}),
    data: folder,
    ...over
  }
  const recorded = new Map<string, () => BrokerState>()
  const watching = { ...unwatched, broker: (name: string, state: () => BrokerState) => void recorded.set(name, state) }
  const platform = await startPlatform({ settings, data, logger: pino({ level: 'silent' }), watching })
  later(async () => {
    await platform.close()
    await server?.remove()
    await rm(folder, { recursive: true, force: true })
  })
  const admin = { authorization: `Bearer ${data.adminToken}` }
  const made = await fetch(`${platform.url}/v1/projects/shop/keys`, {
    method: 'POST',
    headers: { ...admin, 'content-type': 'application/json' },
    body: '{}'
  })
  const { key } = (await made.json()) as { key: string }
  return {
    recorded: () => recorded.get('redis')!(),
    metrics: async () => await (await fetch(`${platform.url}/metrics`)).text(),
    async row() {
      const answer = await fetch(`${platform.url}/v1/subscribers`, { headers: admin })
      const { subscribers } = (await answer.json()) as SubscribersAnswer
      return subscribers.find(({ name }) => name === 'broker redis')!
    },
    /** So many events of one session, and their ids: all are accepted, or it fails. */
    async send(count: number): Promise<string[]> {
      const session = { id: randomUUID() }
      const events = Array.from({ length: count }, () => ({
        id: randomUUIDv7(),
        type: 'feature.used',
        time: new Date().toISOString(),
        user: { id: 'u-1' },
        session,
        data: { feature: 'search' }
      }))
      const answer = await fetch(`${platform.url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(events)
      })
      const { results } = (await answer.json()) as { results: { result: string }[] }
      assert.deepEqual([...new Set(results.map(({ result }) => result))], ['accepted'])
      return events.map(({ id }) => id)
    }
  }
}

const installed = spawnSync('redis-server', ['--version']).status === 0
const skip = installed ? false : 'redis-server is not installed; run deploy/engines/redis/install'

describe('a broker that is told of each event', () => {
  it('goes and comes back: no write waits, nothing is lost, a subscriber handles each once', { skip }, async t => {
    const later = closing(t)
    const redis = await startRedis(later)
    const { send, row, metrics, recorded } = await started(later, { brokerUrl: redis.url })
    const database = await openScratch()
    await PubSub.migrate(database)
    const broker = await redisBroker({ url: redis.url })
    const pubsub = new PubSub({ broker, database, source: '/reader' })
    later(async () => {
      await pubsub.close()
      await broker.close()
      await database.close()
    })
    const handled: Message[] = []
    // What the platform adds by itself, when metadata was late, is no event that was sent.
    const keep = async (message: Message) => void (message.type === 'feature.used' && handled.push(message))
    await pubsub.subscribe('plimsoll.telemetry', 'reader', keep, { batch: 100 })

    const sent = await send(40)
    await until('the first are there', () => handled.length >= 40)
    await until('it is known to be there', () => recorded().up === true)
    await redis.kill()
    await until('it is known to be away', () => recorded().up === false)
    for (let n = 0; n < 5; n++) sent.push(...(await send(40)))
    await until('they are behind', () => recorded().behind >= 200)
    await until('the console says so', async () => {
      const { behind, attempts, state, error } = await row()
      const isSaid = state === 'waiting' && attempts > 0 && /Redis did not confirm/.test(error ?? '')
      return isSaid && behind !== null && behind >= 200
    })
    assert.match(await metrics(), /^plimsoll_broker_up\{broker="redis"\} 0$/m)

    await redis.start()
    await until('all are there', () => handled.length >= sent.length)
    await until('nothing waits', async () => recorded().behind === 0 && (await row()).state === 'running')
    sent.push(...(await send(1)))
    await until('the last is there', () => handled.length >= sent.length)
    const events = handled.map(({ data }) => data as PublishedEvent)
    assert.deepEqual(
      events.map(({ id }) => id),
      [...new Set(events.map(({ id }) => id))],
      'none twice'
    )
    assert.deepEqual(events.map(({ id }) => id).sort(), sent.sort())
    const { id, key, type, source, data } = handled[0]!
    const { project, session, user } = data as PublishedEvent
    assert.deepEqual(
      [id, key, type, source, project, user],
      [`${(data as PublishedEvent).id}/shop`, `${session}/shop`, 'feature.used', '/telemetry', 'shop', 'u-1']
    )
    assert.match(await metrics(), /^plimsoll_broker_up\{broker="redis"\} 1$/m)
    await until('they are counted', async () => {
      const [, published] = /^plimsoll_broker_published_total\{broker="redis"\} (\d+)$/m.exec(await metrics()) ?? []
      return Number(published) >= sent.length
    })
  })

  it('whose client library is not installed is a wrong setting, in words', async () => {
    const library = 'a-library-that-nobody-has'
    const missing = () => import(library)
    await assert.rejects(
      connectTo({ kind: 'redis', url: 'redis://127.0.0.1:1' }, missing as never),
      (error: Error) =>
        error instanceof SettingError && /^brokerUrl: .*npm install a-library-that-nobody-has$/.test(error.message)
    )
  })
})

it('two projects with events of one id are two messages, and the inner form of the log stays inside', () => {
  const entry = { position: 7, xid: '5', type: 'session.start', time: 1, recordedAt: 2, stream: 's', subject: 'u' }
  const [one, other] = ['shop', 'news'].map(tenant =>
    messageOf({ ...entry, tenant, id: 'e', data: { a: 1 }, change: [null, ['secret form']] })
  )
  assert.notEqual(one!.id, other!.id)
  assert.notEqual(one!.key, other!.key)
  assert.deepEqual(one!.data, {
    project: 'shop',
    id: 'e',
    session: 's',
    user: 'u',
    recordedAt: '1970-01-01T00:00:00.002Z',
    position: '5.7',
    data: { a: 1 }
  })
  assert.ok(!JSON.stringify(one).includes('secret form'))
})
