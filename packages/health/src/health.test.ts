import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { manualClock } from '@plimsoll/resilience'
import { check } from './checks/check.ts'
import { type Health, startHealth } from './health.ts'
import type { HealthOptions } from './settings.ts'
import type { HealthDocument } from './verdict/document.ts'

async function started(t: TestContext, options: Partial<HealthOptions> = {}): Promise<Health> {
  const health = await startHealth({ port: 0, ...options })
  t.after(() => health.close())
  return health
}

async function ask(health: Health, path: string): Promise<{ code: number; body: HealthDocument }> {
  const response = await fetch(health.url + path)
  return { code: response.status, body: (await response.json()) as HealthDocument }
}

test('a service is alive before it has started, and gets traffic only then', async t => {
  const health = await started(t, { release: '1.4.2', service: 'shop' })
  assert.deepEqual(
    [(await ask(health, '/health')).code, (await ask(health, '/startup')).code, (await ask(health, '/ready')).code],
    [200, 503, 503]
  )
  health.started()
  assert.deepEqual([(await ask(health, '/startup')).code, (await ask(health, '/ready')).code], [200, 200])
  const { body } = await ask(health, '/health')
  assert.deepEqual([body.releaseId, body.serviceId], ['1.4.2', 'shop'])
})

test('a service may ask for no traffic, and say why', async t => {
  const health = await started(t)
  health.started()
  health.ready(false, 'the map is loading')
  const { code, body } = await ask(health, '/ready')
  assert.deepEqual([code, body.output], [503, 'the map is loading'])
  health.ready(true)
  assert.equal((await ask(health, '/ready')).code, 200)
})

test('a drain cannot be undone, and a second one is the first one', async t => {
  const clock = manualClock()
  const health = await started(t, { clock })
  health.started()
  const drained = health.drain({ close: () => {} })
  assert.equal(health.drain({ close: () => assert.fail('this one is not run') }), drained)
  health.ready(true)
  assert.equal((await ask(health, '/ready')).body.output, 'draining: balancers are given 5000 ms to notice')
  await clock.flow(5_000)
  assert.equal((await drained).clean, true)
  assert.equal((await ask(health, '/ready')).body.output, 'drained')
  assert.throws(() => health.drain({ timeoutMs: 0, close: () => {} }), RangeError)
})

test('a check that looks at what is own keeps traffic away while it fails', async t => {
  const clock = manualClock()
  let full = true
  const disk = check({
    name: 'disk:free',
    kind: 'own',
    passAfter: 1,
    run: () => {
      if (full) throw new Error('ENOSPC')
      return { observedValue: 7, observedUnit: 'GB' }
    }
  })
  const health = await started(t, { checks: [disk], clock })
  health.started()
  await clock.flow(0)
  assert.equal((await ask(health, '/ready')).body.output, 'disk:free: ENOSPC')
  full = false
  await clock.flow(10_000)
  const { code, body } = await ask(health, '/ready')
  const { observedValue, observedUnit } = body.checks['disk:free']![0]!
  assert.deepEqual([code, observedValue, observedUnit], [200, 7, 'GB'])
})

test('the report for metrics is the one that is served', async t => {
  const health = await started(t)
  health.started()
  const [own, served] = [health.report(), (await ask(health, '/health/report')).body]
  assert.deepEqual(Object.keys(own.checks), Object.keys(served.checks))
  assert.equal(own.status, 'pass')
  assert.ok(Number(own.checks['heap:used']![0]!.observedValue) > 0)
})

test('an address that is taken is an error that says so, and leaves nothing behind', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => void taken.close())
  const { port } = taken.address() as AddressInfo
  await assert.rejects(startHealth({ port }), { code: 'HEALTH_LISTEN', message: /EADDRINUSE/ })
})

test('the thread that answers is started again after a death, and the owner hears of it', async t => {
  const deaths: unknown[] = []
  let answering: { terminate(): Promise<number> } | undefined
  process.once('worker', worker => {
    answering = worker
  })
  const clock = manualClock()
  const died = Promise.withResolvers<void>()
  const health = await started(t, {
    clock,
    onError: error => {
      deaths.push(error.code)
      died.resolve()
      throw new Error('whoever is told must not bring it down')
    }
  })
  const { port } = health
  await answering!.terminate()
  await died.promise
  await assert.rejects(ask(health, '/health'))
  const again = once(process, 'worker').then(([worker]) => once(worker, 'message'))
  clock.advance(100)
  await again
  assert.deepEqual([(await ask(health, '/health')).code, health.port, deaths], [200, port, ['HEALTH_THREAD']])
})

test('closed, it answers nobody, looks at nothing and keeps no timer', async () => {
  const clock = manualClock()
  let looks = 0
  const checks = [check({ name: 'disk', kind: 'own', run: () => void looks++ })]
  const health = await startHealth({ port: 0, checks, clock })
  await clock.flow(0)
  await Promise.all([health.close(), health.close()])
  await assert.rejects(ask(health, '/health'))
  await clock.flow(60_000)
  assert.deepEqual([looks, clock.pending], [1, 0])
})

test('settings out of range are refused', async () => {
  const disk = check({ name: 'disk', kind: 'own', run: () => {} })
  for (const options of [
    { port: -1 },
    { port: 80.5 },
    { port: 0, stuckAfterMs: 99 },
    { port: 0, heapWarnShare: 2 },
    { port: 0, maxConnections: 0 },
    { port: 0, checks: [disk, disk] },
    { port: 0, checks: Array.from({ length: 65 }, (_, n) => check({ name: `c${n}`, kind: 'own', run: () => {} })) }
  ]) {
    await assert.rejects(startHealth(options), RangeError)
  }
})
