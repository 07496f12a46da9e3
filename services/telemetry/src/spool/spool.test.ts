import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { scratchDatabase } from '@plimsoll/database/testing'
import { SpoolBusyError, SpoolWriteError } from '@plimsoll/spool'
import { unknown } from '../enrichment/enrichment.ts'
import { validateEvent } from '../ingest/validate.ts'
import { migrateTelemetry } from '../store.ts'
import { adminToken, type RunningTelemetry, type RunOptions, runTelemetry } from '../testing.ts'
import { openIngestSpool } from './ingest-spool.ts'
import type { EventsWork } from './record.ts'

const event = (over: object = {}) => ({
  id: randomUUIDv7(),
  type: 'session.start',
  time: new Date().toISOString(),
  user: { id: 'pro-ann' },
  session: { id: randomUUIDv7() },
  ...over
})
const use = (over: object = {}) => event({ type: 'feature.used', data: { feature: 'search' }, ...over })
const outcomes = (answer: { body: { results: { result: string; code?: string }[] } }) =>
  answer.body.results.map(({ result, code }) => code ?? result)

async function folder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'plimsoll-ingest-spool-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'spool')
}

/** A service with a spool that has met the key of its tests, so that it is believed without the store. */
async function runSpooled(
  t: TestContext,
  { maxBytes = 10_000_000, ...options }: RunOptions & { maxBytes?: number } = {}
) {
  const run = await runTelemetry({ spool: { directory: await folder(t), maxBytes }, ...options })
  t.after(() => run.close())
  assert.equal((await post(run, [])).body.code, 'empty_request')
  return run
}

const post = (run: RunningTelemetry, body: unknown) => run.send('POST', '/v1/events', { body })
const booksOf = async (run: RunningTelemetry) => {
  const { body } = await run.send('GET', '/v1/ledger')
  assert.equal(body.received, body.accepted + body.duplicate + body.rejected + body.quarantined, JSON.stringify(body))
  const { received, accepted, duplicate, rejected, quarantined, spooled } = body
  return { received, accepted, duplicate, rejected, quarantined, spooled }
}
const spoolOf = async (run: RunningTelemetry) => (await run.send('GET', '/v1/policies')).body.spool
const loggedOf = async (run: RunningTelemetry) =>
  (await run.database.query<{ id: string }>('select id::text as id from eventlog.entries')).rows.map(({ id }) => id)

/** Lets time pass until nothing waits, or until `until` says so. */
async function drained(run: RunningTelemetry, until = () => run.telemetry.ingest.spool!.snapshot().records === 0) {
  while (!until()) {
    run.clock.advance(50)
    await new Promise(setImmediate)
  }
}

describe('ingest with its store away', () => {
  it('takes events onto the disk, and counts each once when the store is back', async t => {
    const run = await runSpooled(t)
    const before = [event(), use()]
    assert.deepEqual(outcomes(await post(run, before)), ['accepted', 'accepted'])
    run.telemetry.start()
    await run.loseStore()

    const during = [event(), use()]
    const answer = await post(run, [...before, ...during, { nonsense: true }])
    assert.equal(answer.status, 200)
    assert.deepEqual(outcomes(answer), ['spooled', 'spooled', 'spooled', 'spooled', 'unknown_type'])
    assert.equal(answer.body.results[2].result, 'accepted')
    assert.match(answer.body.results[2].detail, /on disk/)
    assert.deepEqual(outcomes(await post(run, during)), ['spooled', 'spooled'])
    const { oldestAgeMs, bytes, ...spool } = await spoolOf(run)
    assert.deepEqual(spool, { events: 6, records: 2, away: true, shed: 0 })
    assert.ok(bytes > 0 && oldestAgeMs >= 0)
    const told = (await run.send('GET', '/v1/spool')).body
    assert.ok(told.oldestAgeMs >= 0)
    const whole = { bytes, maxBytes: 10_000_000, shed: 0 }
    assert.deepEqual(told, { project: 'shop', events: 6, oldestAgeMs: told.oldestAgeMs, ...whole, storeAway: true })
    const others = (await run.send('GET', '/v1/spool', { headers: { 'x-plimsoll-project': 'harbour' } })).body
    assert.deepEqual([others.project, others.events, others.bytes, others.storeAway], ['harbour', 0, bytes, true])
    assert.equal((await run.send('GET', '/v1/spool', { token: run.writeKey })).status, 403)

    await run.returnStore()
    await drained(run)
    assert.deepEqual(outcomes(await post(run, [...before, ...during])), Array(4).fill('duplicate'))
    assert.deepEqual((await loggedOf(run)).sort(), [...before, ...during].map(({ id }) => id).sort())
    assert.deepEqual(await booksOf(run), {
      received: 2 + 5 + 2 + 4,
      accepted: 4,
      duplicate: 2 + 2 + 4,
      rejected: 1,
      quarantined: 0,
      spooled: 0
    })
    assert.deepEqual(run.warnings, [])
    const left = (await run.send('GET', '/v1/spool')).body
    const empty = { project: 'shop', events: 0, oldestAgeMs: null, ...whole, bytes: left.bytes, storeAway: false }
    assert.deepEqual(left, empty)
    assert.deepEqual((await run.send('GET', '/v1/ledger')).body.spool, { events: 0, bytes: 0, oldestAgeMs: null })
    const { away, records } = await spoolOf(run)
    assert.deepEqual([away, records], [false, 0])
  })

  it('gives what it spooled the enrichment it knows, and the rest later', async t => {
    const run = await runSpooled(t)
    assert.deepEqual(outcomes(await post(run, event())), ['accepted'])
    await run.loseStore()
    const { asked } = run.metadata
    const known = event()
    const stranger = event({ user: { id: 'pro-bob' } })
    await post(run, known)
    assert.deepEqual(outcomes(await post(run, stranger)), ['spooled'])
    assert.equal(run.metadata.asked, asked)
    await run.returnStore()
    run.telemetry.ingest.spool!.start()
    await drained(run)
    const read = async (id: string) => (await run.send('GET', `/v1/sessions/${id}`)).body.enrichment
    assert.equal((await read(known.session.id)).tier, 'pro')
    assert.equal(await read(stranger.session.id), 'unknown')
  })

  it('answers from the disk without asking the store again, until the drain has found it', async t => {
    const run = await runSpooled(t)
    const { spool, store } = run.telemetry.ingest
    await run.loseStore()
    assert.deepEqual(outcomes(await post(run, event())), ['spooled'])
    const { calls } = store.snapshot()
    for (let i = 0; i < 5; i++) {
      run.clock.advance(1_001)
      assert.deepEqual(outcomes(await post(run, event())), ['spooled'])
    }
    // Nor for the key, which is known.
    assert.equal(store.snapshot().calls, calls)
    await run.returnStore()
    assert.equal(spool!.away, true)
    spool!.start()
    await drained(run)
    assert.equal(spool!.away, false)
    assert.deepEqual(outcomes(await post(run, event())), ['accepted'])
    assert.equal((await booksOf(run)).accepted, 7)
  })

  it('asks the store after a second when nothing waits for it', async t => {
    const run = await runSpooled(t, { maxBytes: 20_000 })
    await run.loseStore()
    const large = use({ data: { feature: 'search', note: 'x'.repeat(25_000) } })
    assert.equal((await post(run, large)).body.code, 'spool_full')
    assert.equal(run.telemetry.ingest.spool!.away, true)
    await run.returnStore()
    run.clock.advance(1_000)
    assert.deepEqual(outcomes(await post(run, large)), ['accepted'])
  })

  it('counts as rejected an event that turns out to be another one with a known id, and warns', async t => {
    const run = await runSpooled(t)
    const first = event()
    await post(run, first)
    await run.loseStore()
    assert.deepEqual(outcomes(await post(run, [{ ...first, user: { id: 'free-eve' } }, event()])), [
      'spooled',
      'spooled'
    ])
    await run.returnStore()
    run.telemetry.ingest.spool!.start()
    await drained(run)
    const { received, accepted, rejected } = await booksOf(run)
    assert.deepEqual([received, accepted, rejected], [3, 2, 1])
    assert.deepEqual(
      run.warnings.map(({ details }) => details),
      [{ count: 1, events: [{ project: 'shop', id: first.id, outcome: 'conflict' }] }]
    )
  })

  it('still refuses what needs the state in the store, and keys it has not met', async t => {
    const run = await runSpooled(t)
    const { token: unmet } = await run.telemetry.keys.create('shop')
    await run.loseStore()
    const session = `/v1/sessions/${randomUUIDv7()}`
    const answers = [
      await run.send('POST', '/v1/events', { body: event(), token: unmet }),
      await run.send('POST', '/v1/sessions', { body: { user: { id: 'a' } }, headers: { 'idempotency-key': 'k' } }),
      await run.send('PUT', session, { body: { user: { id: 'a' } } }),
      await run.send('DELETE', session),
      await run.send('GET', session),
      await run.send('GET', '/v1/ledger'),
      await run.send('POST', '/v1/projects/shop/keys', { body: {}, token: adminToken })
    ]
    for (const { status, body } of answers) assert.deepEqual([status, body.code], [503, 'store_unavailable'])
    const malformed = await post(run, '{')
    assert.deepEqual([malformed.status, malformed.body.code], [400, 'malformed_json'])
    assert.deepEqual(outcomes(await post(run, { nonsense: true })), ['unknown_type'])
    await run.returnStore()
    run.telemetry.ingest.spool!.start()
    await drained(run)
    assert.deepEqual(await booksOf(run), {
      received: 1,
      accepted: 0,
      duplicate: 0,
      rejected: 1,
      quarantined: 0,
      spooled: 0
    })
  })
})

describe('a spool that fills', () => {
  it('gives up heartbeats first, then uses, and starts and ends only when nothing more fits', async t => {
    const maxBytes = 200_000
    const run = await runSpooled(t, { maxBytes })
    await run.loseStore()
    const batch = () => [
      event({ type: 'session.heartbeat' }),
      use({ data: { feature: 'search', note: 'x'.repeat(500) } }),
      event(),
      event({ type: 'session.end' })
    ]
    const seen: string[] = []
    for (let i = 0; i < 2_000; i++) {
      const answer = await post(run, batch())
      const what = answer.status === 200 ? outcomes(answer).join(' ') : answer.body.code
      if (what !== seen.at(-1)) seen.push(what)
      assert.equal(answer.headers.has('retry-after'), what !== 'spooled spooled spooled spooled', what)
      if (answer.status === 200) assert.ok((await spoolOf(run)).bytes <= maxBytes)
      else break
    }
    assert.deepEqual(seen, [
      'spooled spooled spooled spooled',
      'spool_full spooled spooled spooled',
      'spool_full spool_full spooled spooled',
      'spool_full'
    ])
    const retried = (await post(run, batch()[0])).body.results[0]
    assert.deepEqual([retried.result, retried.code], ['retry', 'spool_full'])
    const { events, shed } = await spoolOf(run)
    assert.ok(events > 0 && shed > 0)

    await run.returnStore()
    run.telemetry.ingest.spool!.start()
    await drained(run)
    const books = await booksOf(run)
    assert.deepEqual([books.received, books.accepted, books.spooled], [events, events, 0])
    assert.deepEqual(outcomes(await post(run, batch())), Array(4).fill('accepted'))
  })

  it('says so when the disk does not take it, and when it is closed', async t => {
    const run = await runSpooled(t, { maxBytes: 20_000 })
    await run.loseStore()
    const large = use({ data: { feature: 'search', note: 'x'.repeat(25_000) } })
    const answer = await post(run, large)
    assert.deepEqual([answer.status, answer.body.code], [503, 'spool_full'])
    assert.match(answer.headers.get('retry-after')!, /^[1-5]$/)
    assert.equal(run.telemetry.ingest.spool!.bytesOf('shop'), 0, 'what did not get to the disk takes no room')
    await run.telemetry.ingest.spool!.close()
    const closed = await post(run, event())
    assert.deepEqual([closed.status, closed.body.code], [503, 'store_unavailable'])
  })
})

describe('a spool of several projects', () => {
  /** The service without its store, and what sends a batch of one of each kind under a key. */
  async function storeless(t: TestContext, maxBytes: number) {
    const run = await runSpooled(t, { maxBytes })
    const sends = async (project: string) => {
      const { token } = await run.telemetry.keys.create(project)
      assert.equal((await run.send('POST', '/v1/events', { body: [], token })).body.code, 'empty_request')
      const note = 'x'.repeat(500)
      return async () => {
        const body = [
          event({ type: 'session.heartbeat' }),
          use({ data: { feature: 'search', note } }),
          event(),
          event({ type: 'session.end' })
        ]
        const answer = await run.send('POST', '/v1/events', { body, token })
        if (answer.status !== 200) assert.match(answer.headers.get('retry-after')!, /^[1-5]$/)
        return answer.status === 200 ? outcomes(answer).join(' ') : answer.body.code
      }
    }
    const [busy, quiet] = [await sends('busy'), await sends('quiet')]
    await run.loseStore()
    const shares = () => {
      const spool = run.telemetry.ingest.spool!
      return [spool.bytesOf('busy') / maxBytes, spool.bytesOf('quiet') / maxBytes] as const
    }
    return { run, busy, quiet, shares }
  }
  const all = 'spooled spooled spooled spooled'

  it('gives one that is alone all but a tenth, and another that comes late the rest of it, heartbeats and all', async t => {
    const { run, busy, quiet, shares } = await storeless(t, 400_000)
    for (let told = ''; told !== 'spool_full'; ) told = await busy()
    const [most] = shares()
    assert.ok(most > 0.8 && most < 0.92, `${most}`)
    for (let i = 0; i < 5; i++) assert.equal(await quiet(), all)
    assert.equal(await busy(), 'spool_full')

    await run.returnStore()
    run.telemetry.ingest.spool!.start()
    await drained(run)
    assert.deepEqual(shares(), [0, 0])
    assert.deepEqual([await busy(), await quiet()], Array(2).fill(Array(4).fill('accepted').join(' ')))
  })

  it('takes no more than an equal part from one once half is taken, and nothing less from the others', async t => {
    const { busy, quiet, shares } = await storeless(t, 400_000)
    let isRefused = false
    // Eight times as much of one as of the other.
    for (let turn = 0; !isRefused; turn++) {
      isRefused = (await busy()) === 'spool_full'
      if (turn % 8 === 0) assert.equal(await quiet(), all)
    }
    const [most] = shares()
    assert.ok(most > 0.45 && most < 0.55, `${most}`)
    while (shares()[1] < 0.25) assert.equal(await quiet(), all)
    assert.equal(await busy(), 'spool_full')
  })
})

describe('a disk that does not take what comes', () => {
  it('is told as what it is, and when to come back; what it takes later it takes', async t => {
    const run = await runSpooled(t)
    await run.loseStore()
    const failures = [new SpoolBusyError(17_000_000, 16_000_000), new SpoolWriteError('append', new Error('EIO'))]
    // No disk of a test machine fails when it is told to; packages/spool has the ways in which one does.
    const keep = t.mock.method(run.telemetry.ingest.spool!, 'keep', async () => Promise.reject(failures.shift()))
    for (const [code, words] of [
      ['spool_busy', /more waits for the disk than may/],
      ['spool_write_failed', /the disk did not take this/]
    ] as const) {
      const answer = await post(run, event())
      assert.deepEqual([answer.status, answer.body.code], [503, code])
      assert.match(answer.body.detail, words)
      assert.match(answer.headers.get('content-type')!, /^application\/problem\+json/)
      assert.match(answer.headers.get('retry-after')!, /^[1-5]$/)
      assert.doesNotMatch(answer.text, /EIO|17000000/)
    }
    keep.mock.restore()
    assert.deepEqual(outcomes(await post(run, event())), ['spooled'])
    assert.equal((await spoolOf(run)).events, 1)
  })
})

describe('a spool over restarts', () => {
  /** Two services one after another over one store and one spool. */
  async function places(t: TestContext) {
    const scratch = await scratchDatabase()
    t.after(() => scratch.remove())
    const spool = { directory: await folder(t), maxBytes: 10_000_000 }
    return { databaseUrl: scratch.url, spool }
  }

  it('keeps what waits for the next start, and counts it for its project from there', async t => {
    const options = await places(t)
    const first = await runTelemetry(options)
    await post(first, event())
    await first.loseStore()
    const waiting = [event(), use(), use()]
    assert.deepEqual(outcomes(await post(first, waiting)), Array(3).fill('spooled'))
    const held = first.telemetry.ingest.spool!.bytesOf('shop')
    await first.close()

    const second = await runTelemetry(options)
    t.after(() => second.close())
    const { received, accepted, spooled } = await booksOf(second)
    assert.deepEqual([received, accepted, spooled], [1, 1, 3])
    second.clock.advance(90_000)
    const ledgerOf = async (project: string) =>
      (await second.send('GET', '/v1/ledger', { headers: { 'x-plimsoll-project': project } })).body.spool
    const { events, bytes, oldestAgeMs } = await ledgerOf('shop')
    assert.deepEqual([events, bytes], [3, held])
    assert.ok(bytes > 300 && oldestAgeMs >= 90_000, `${bytes} bytes, ${oldestAgeMs} ms`)
    assert.deepEqual(await ledgerOf('harbour'), { events: 0, bytes: 0, oldestAgeMs: null })
    second.telemetry.start()
    await drained(second)
    const after = await booksOf(second)
    assert.deepEqual([after.received, after.accepted, after.spooled], [4, 4, 0])
  })

  it('counts nothing twice when it ended between the commit and the release', async t => {
    const options = await places(t)
    const first = await runTelemetry(options)
    await post(first, event())
    await first.loseStore()
    const waiting = Array.from({ length: 5 }, () => event())
    for (const one of waiting)
      assert.deepEqual(outcomes(await post(first, [one, { bad: true }])), ['spooled', 'unknown_type'])
    await first.close()
    // The drain of a process that ended after its commit: the cursor is ahead, the files are as they were.
    const copy = `${options.spool.directory}-copy`
    await cp(options.spool.directory, copy, { recursive: true })
    const second = await runTelemetry({ ...options, spool: { ...options.spool, directory: copy } })
    second.telemetry.start()
    await drained(second)
    const books = await booksOf(second)
    assert.deepEqual([books.received, books.accepted, books.rejected], [11, 6, 5])
    await second.close()

    const third = await runTelemetry(options)
    t.after(() => third.close())
    assert.equal((await spoolOf(third)).records, 0)
    await post(third, [])
    third.telemetry.start()
    await third.loseStore()
    assert.deepEqual(outcomes(await post(third, event())), ['spooled'])
    await third.returnStore()
    await drained(third)
    assert.deepEqual(await booksOf(third), { ...books, received: 12, accepted: 7 })
  })
})

describe('a spooled event that the store refuses for good', () => {
  it('is quarantined, and holds up nothing that comes after it', async t => {
    const scratch = await scratchDatabase()
    const run = await runTelemetry({ databaseUrl: scratch.url })
    t.after(async () => {
      await run.close()
      await scratch.remove()
    })
    await migrateTelemetry(run.database)
    const warnings: object[] = []
    const errors: unknown[] = []
    const spool = await openIngestSpool({
      directory: await folder(t),
      maxBytes: 10_000_000,
      database: run.database,
      clock: run.clock,
      onError: error => errors.push(error),
      onWarning: (_message, details) => warnings.push(details)
    })
    t.after(() => spool.close())
    const valid = () => {
      const judged = validateEvent(event(), { receivedAt: Date.now(), correction: 0, backfill: false })
      assert.ok(!('code' in judged))
      return { ...judged, enrichment: unknown }
    }
    // Text with a NUL passes no validation, and no store takes it.
    const bad = { ...valid(), userId: 'ann\0' }
    const work = (events: EventsWork['events']): EventsWork => ({
      kind: 'events',
      project: 'shop',
      minute: 60_000,
      events,
      rejected: 1
    })
    await spool.keep(work([valid(), valid()]))
    await spool.keep(work([valid(), bad, valid()]))
    await spool.keep(work([valid()]))
    spool.start()
    await drained(run, () => spool.snapshot().records === 0)
    assert.deepEqual(await booksOf(run), {
      received: 9,
      accepted: 5,
      duplicate: 0,
      rejected: 3,
      quarantined: 1,
      spooled: null
    })
    assert.equal((await run.send('GET', '/v1/ledger')).body.spool, null)
    assert.equal(errors.length, 3)
    assert.equal(warnings.length, 1)
    assert.deepEqual((warnings[0] as { ids: string[] }).ids, [bad.id])
    assert.equal((await loggedOf(run)).length, 5)
  })
})
