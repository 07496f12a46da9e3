import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { Diagnosis } from '@plimsoll/recorder'
import { createWatcherServer, type Doors } from './server.ts'
import type { Observation } from './verdict.ts'

const now = 1_000_000
const observation: Observation = {
  now,
  phase: 'ready',
  lastBeat: now - 40,
  restarts: 3,
  known: undefined,
  exits: [],
  address: 'http://127.0.0.1:7070'
}

async function watcher(t: TestContext, over: Partial<Observation> = {}, doors: Doors = {}) {
  const seen = { ...observation, ...over }
  const server = createWatcherServer(() => seen, doors)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return async (path: string, method = 'GET') => {
    const response = await fetch(url + path, { method })
    const text = await response.text()
    const type = response.headers.get('content-type')!
    return {
      status: response.status,
      headers: response.headers,
      type,
      text,
      body: type.includes('json') && text ? JSON.parse(text) : undefined
    }
  }
}

test('/health says how the platform is, with the evidence', async t => {
  const well = await (await watcher(t))('/health')
  assert.deepEqual([well.status, well.type], [200, 'application/health+json'])
  assert.equal(well.headers.get('cache-control'), 'no-store')
  assert.deepEqual(well.body, {
    status: 'pass',
    output: 'up',
    checks: {
      'platform:lastBeat': [{ observedValue: 40, observedUnit: 'ms', status: 'pass' }],
      'platform:restarts': [{ observedValue: 3, status: 'pass' }]
    }
  })
  const stuck = await (await watcher(t, { lastBeat: now - 10_000 }))('/health?verbose')
  assert.deepEqual([stuck.status, stuck.body.status], [503, 'fail'])
  const never = await (await watcher(t, { phase: 'starting', lastBeat: 0 }))('/health')
  assert.equal(never.body.checks['platform:lastBeat'][0].observedValue, null)
})

test('/ready is 200 while the platform can be sent to, and 503 while not', async t => {
  for (const [over, status] of [
    [{}, 200],
    [{ phase: 'starting' }, 503],
    [{ phase: 'down' }, 503],
    [{ phase: 'stopping' }, 503],
    [{ phase: 'failed' }, 503],
    [{ lastBeat: 0 }, 503]
  ] as [Partial<Observation>, number][]) {
    assert.equal((await (await watcher(t, over))('/ready')).status, status, JSON.stringify(over))
  }
  const stopping = await (await watcher(t, { phase: 'stopping' }))('/health')
  assert.equal(stopping.status, 200, 'a stop that was asked for is not ill health')
})

test('/state.json is all that is known, with the verdict', async t => {
  const { body } = await (await watcher(t))('/state.json')
  const { known: _, ...rest } = observation
  assert.deepEqual(body, { ...rest, verdict: { status: 'pass', output: 'up', ready: true } })
})

test('the page comes with its style and a policy that allows nothing else', async t => {
  const get = await watcher(t, { phase: 'down' })
  const page = await get('/')
  assert.deepEqual([page.status, page.type], [200, 'text/html; charset=utf-8'])
  assert.match(page.headers.get('content-security-policy')!, /default-src 'none'.*frame-ancestors 'none'/)
  assert.doesNotMatch(page.text, /<script|<style| style=/)
  assert.equal((await get('/page.css')).type, 'text/css')
})

test('HEAD is as GET without a body; other methods are 405, other paths 404', async t => {
  const get = await watcher(t)
  const head = await get('/health', 'HEAD')
  assert.deepEqual([head.status, head.text], [200, ''])
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const refused = await get('/health', method)
    assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD'])
  }
  for (const path of ['/nothing', '/health/', '//', '/state.json/..%2f', '/constructor']) {
    assert.equal((await get(path)).status, 404, path)
  }
})

test('/why.json is the diagnosis, and 503 before the first', async t => {
  assert.deepEqual([(await (await watcher(t))('/why.json')).status], [503])
  const diagnosis: Diagnosis = { at: now, state: 'degraded', summary: 'slow', causes: [], limits: [], lastHeard: {} }
  const { status, body } = await (await watcher(t, {}, { look: async () => ({ at: now, diagnosis, tookMs: 3.4 }) }))(
    '/why.json'
  )
  assert.deepEqual([status, body], [200, { ...diagnosis, tookMs: 3 }])
})

test('/health does not wait for a look that does not come', async t => {
  const never = { look: () => new Promise<undefined>(() => undefined) }
  const get = await watcher(t, {}, never)
  const page = get('/').catch(() => 'cut off')
  assert.equal((await get('/health')).status, 200)
  assert.equal(await Promise.race([page, get('/ready').then(({ status }) => status)]), 200)
})

test('numbers of the dashboard are told only to whoever may see them', async t => {
  const dashboards = [{ project: 'shop' }]
  const known = { at: now, projects: [], dashboards } as unknown as NonNullable<Observation['known']>
  const told = async (may: boolean) =>
    (await (await watcher(t, { known }, { maySeeNumbers: () => may }))('/state.json')).body.known
  assert.deepEqual((await told(true)).dashboards, dashboards)
  assert.equal((await told(false)).dashboards, undefined)
})
