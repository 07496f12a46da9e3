import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createClient } from 'redis'
import { redisStore } from './adapters/redis.ts'
import { idempotencyConformance } from './conformance.ts'

const engines = fileURLToPath(new URL('../../../deploy/engines/redis/', import.meta.url))
const engine = (script: string, ...args: string[]) =>
  spawnSync(join(engines, script), args, { encoding: 'utf8', timeout: 60_000 })

/** A port that was free a moment ago: another process may take it first, and then the server says so. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function connected(url: string) {
  const client = createClient({ url })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

const installed = spawnSync('redis-server', ['--version']).status === 0

// It has nothing to do with which database the other suites run on, so it runs with one of them.
if (process.env.PLIMSOLL_DATABASE_URL === undefined) {
  if (installed) onRedis()
  else {
    describe('idempotency store conformance: Redis', () => {
      it('passes', { skip: 'redis-server is not installed; run deploy/engines/redis/install' }, () => undefined)
    })
  }
}

function onRedis(): void {
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-redis-'))
  let url = ''
  before(async () => {
    const started = engine('start', String(await freePort()), folder)
    if (started.status !== 0) throw new Error(started.stderr)
    url = started.stdout.trim()
  })
  after(() => {
    engine('stop', folder)
    rmSync(folder, { recursive: true, force: true })
  })

  idempotencyConformance('Redis', { atomic: false, sweeps: false }, async now => {
    const client = await connected(url)
    const made: string[] = []
    return {
      store: redisStore(client, { now }),
      change: async (_tx, name) => void made.push(name),
      changes: async name => made.filter(each => each === name).length,
      close: async () => void (await client.close())
    }
  })

  it('goes by the clock of the server, and leaves nothing behind for ever', async () => {
    const client = await connected(url)
    const store = redisStore(client, { prefix: 'own:' })
    const claim = { tenant: 't', route: '/r', key: 'k', fingerprint: 'v1:a', leaseMs: 60_000, ttlMs: 120_000 }
    const first = await store.reserve(claim)
    assert.equal(first.kind, 'started')
    const second = await store.reserve(claim)
    assert.ok(second.kind === 'in-flight' && second.leftMs > 0 && second.leftMs <= 60_000)
    const [name, ...others] = await client.keys('own:*')
    assert.deepEqual(others, [])
    const left = await client.pTTL(name!)
    assert.ok(left > 0 && left <= 120_000)
    await client.close()
  })
}
