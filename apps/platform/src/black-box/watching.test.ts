import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openScratch } from '@plimsoll/database/testing'
import { createServer, problem } from '@plimsoll/http'
import { type Occurrence, openRecorder, readRecords, type Sample } from '@plimsoll/recorder'
import { breaker, bulkhead, policy, timeout } from '@plimsoll/resilience'
import { absentStore } from '../absent-store.ts'
import { BlackBox } from './black-box.ts'
import type { SubscriberState } from './subscriber-figures.ts'
import { watchedBy } from './watching.ts'

/** A black box on the disk, and what is in it. */
function recorded(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'plimsoll-black-box-'))
  const recorder = openRecorder({
    directory: join(directory, 'platform'),
    source: 'platform',
    maxBytes: 480_000,
    files: 4
  })
  const blackBox = new BlackBox({ recorder, directory })
  t.after(() => {
    blackBox.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    blackBox,
    watching: watchedBy(blackBox),
    sample(): Sample['values'] {
      blackBox.sample()
      const last = readRecords(directory).records.findLast((one): one is Sample => one.kind === 'sample')
      return last!.values
    },
    happened: (name: string) =>
      readRecords(directory).records.filter((one): one is Occurrence => one.kind === 'occurrence' && one.name === name)
  }
}

/** Only these series, numbers rounded. */
const pick = (values: Sample['values'], family: string, ...names: string[]) =>
  Object.fromEntries(names.map(name => [name, Math.round(values[`${family}.${name}`] ?? Number.NaN)]))

describe('what the platform records of itself', () => {
  it('is the process: processor, memory, loop, files, disk, clock', async t => {
    const { sample } = recorded(t)
    await new Promise(resolve => setImmediate(resolve))
    const values = sample()
    for (const name of [
      'cpu.process',
      'cpu.cores',
      'memory.rss',
      'memory.heap.limit',
      'memory.limit',
      'loop.utilisation',
      'clock.jump'
    ])
      assert.ok(Number.isFinite(values[name]), name)
    assert.ok(values['memory.rss']! > 10e6 && values['memory.rss']! < values['memory.limit']!)
    if (process.platform === 'linux')
      assert.ok(values['files.open']! > 3 && values['files.open']! < values['files.limit']!)
  })

  it('is a part that fails to tell, as an error, and the others all the same', t => {
    const { blackBox, sample, happened } = recorded(t)
    blackBox.add(() => assert.fail('a part is broken'))
    blackBox.add(() => ({ 'other.part': 7 }))
    assert.equal(sample()['other.part'], 7)
    assert.equal(happened('error')[0]?.detail?.message, 'a part is broken')
  })

  it('is errors once a second for each kind, with how often', t => {
    const { blackBox, sample, happened } = recorded(t)
    for (let i = 0; i < 500; i++) blackBox.failed('http', Object.assign(new Error(`no ${i}`), { code: 'E_NO' }))
    sample()
    assert.deepEqual(
      happened('error').map(({ subject, detail }) => [subject, detail]),
      [['http', { code: 'E_NO', message: 'no 0', count: 500 }]]
    )
  })

  it('is each store: what it did, what waits, how long the oldest takes, and that it is away and back', async t => {
    const { watching, sample, happened } = recorded(t)
    const inner = await openScratch()
    t.after(() => inner.close())
    const breakable = absentStore(inner)
    const store = watching.store('primary', breakable.database)
    await store.transaction(tx => tx.query('select 1'))
    await assert.rejects(store.transaction(() => assert.fail('rolled back')))
    const size = inner.engine === 'pglite' ? 1 : 10
    const held = Array.from({ length: size + 2 }, () => store.query('select pg_sleep(0.05)'))
    const names = ['up', 'commits', 'rollbacks', 'failed', 'waiting', 'in-use', 'size']
    assert.deepEqual(pick(sample(), 'store.primary', ...names), {
      up: 1,
      commits: 1,
      rollbacks: 1,
      failed: 0,
      waiting: 2,
      'in-use': size,
      size
    })
    assert.ok(sample()['store.primary.held']! > 0)
    await Promise.all(held)
    breakable.away(60_000)
    await assert.rejects(store.query('select 1'))
    assert.deepEqual(pick(sample(), 'store.primary', 'up', 'failed', 'waiting'), { up: 0, failed: 1, waiting: 0 })
    breakable.away(0)
    await store.query('select 1')
    assert.equal(sample()['store.primary.up'], 1)
    assert.deepEqual(
      happened('store').map(({ subject, detail }) => [subject, detail?.state]),
      [
        ['primary', 'away'],
        ['primary', 'up']
      ]
    )
  })

  it('is each request, by how it ended', async t => {
    const { watching, sample, happened } = recorded(t)
    const app = await createServer({ title: 'test', version: '1' })
    t.after(() => app.close())
    watching.http(app)
    app.get('/:status', async request => {
      const status = Number((request.params as { status: string }).status)
      if (status === 500) throw Object.assign(new Error('broken'), { code: 'E_BROKEN' })
      if (status >= 400) throw problem(status, 'no', 'no')
      return 'yes'
    })
    for (const path of ['/200', '/200', '/401', '/403', '/404', '/429', '/503', '/500']) await app.inject(path)
    const values = sample()
    assert.deepEqual(pick(values, 'http', 'requests', 'refused', 'failed', 'denied', 'running'), {
      requests: 8,
      refused: 2,
      failed: 1,
      denied: 2,
      running: 0
    })
    assert.ok(values['http.p99']! >= values['http.p50']!)
    assert.ok(happened('error').some(({ detail }) => detail?.code === 'E_BROKEN'))
    assert.equal(sample()['http.requests'], 0)
  })

  it('is each dependency: calls, their times, and its breaker', async t => {
    const { watching, sample, happened } = recorded(t)
    const parts = [
      breaker({ minimumCalls: 3, failureRate: 0.5 }),
      bulkhead({ concurrency: 2, queue: 9 }),
      timeout(5_000)
    ]
    const calls = watching.dependency('metadata', policy('metadata', parts), 5_000)
    await calls.run(() => new Promise(resolve => setTimeout(resolve, 20)))
    const free = Promise.withResolvers<void>()
    const running = [1, 2, 3].map(() => calls.run(() => free.promise))
    const busy = sample()
    assert.deepEqual(pick(busy, 'dependency.metadata', 'calls', 'failed', 'refused', 'budget', 'breaker'), {
      calls: 3,
      failed: 0,
      refused: 0,
      budget: 5_000,
      breaker: 0
    })
    assert.deepEqual(
      ['in-use', 'limit', 'waiting'].map(name => busy[`dependency.metadata.bulkhead.${name}`]),
      [2, 2, 1]
    )
    assert.ok(busy['dependency.metadata.p99']! >= 15)
    free.resolve()
    await Promise.all(running)
    for (let i = 0; i < 9; i++) await calls.run(() => Promise.reject(new Error('broken'))).catch(() => undefined)
    const broken = sample()
    assert.equal(broken['dependency.metadata.breaker'], 2)
    assert.ok(broken['dependency.metadata.refused']! > 0 && broken['dependency.metadata.failed']! > 0)
    const [opened] = happened('breaker')
    assert.deepEqual([opened?.subject, opened?.detail?.from, opened?.detail?.to], ['metadata', 'closed', 'open'])
  })

  it('is each subscriber by its name, and when its state changes', t => {
    const { watching, sample, happened } = recorded(t)
    const state: SubscriberState = { position: 100, end: 150, lagMs: 300, failures: 0, alive: true }
    watching.subscriber('billing', () => ({ ...state }))
    watching.subscriber('feed', () => ({ ...state, parked: 2 }))
    state.position = 140
    assert.deepEqual(pick(sample(), 'subscriber', 'billing.lag', 'billing.rate', 'billing.alive', 'feed.parked'), {
      'billing.lag': 10,
      'billing.rate': 40,
      'billing.alive': 1,
      'feed.parked': 2
    })
    state.failures = 3
    state.error = 'column "tier" does not exist'
    sample()
    assert.equal(happened('subscriber').at(-1)?.detail?.why, state.error)
    state.failures = 0
    state.alive = false
    assert.equal(sample()['subscriber.billing.alive'], 0)
    assert.deepEqual(
      happened('subscriber').flatMap(({ subject, detail }) => (subject === 'billing' ? [detail?.state] : [])),
      ['failing', 'dead']
    )
  })

  it('is no progress of a subscriber where it goes on after a start', t => {
    const { watching, sample } = recorded(t)
    const state: SubscriberState = { position: 0, lagMs: 0, failures: 0, alive: true }
    watching.subscriber('billing', () => ({ ...state }))
    state.position = 342_000
    assert.equal(sample()['subscriber.billing.rate'], 0)
    state.position += 40
    assert.equal(sample()['subscriber.billing.rate'], 40)
  })
})
