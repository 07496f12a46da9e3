import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { relayTo, scratchDatabase } from '@plimsoll/database/testing'
import { runTelemetry } from '../testing.ts'

/** The service with a spool, on a server behind a way that can fail, and the events it has answered for. */
async function underLoad(t: TestContext) {
  const scratch = await scratchDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-outage-'))
  const way = await relayTo(scratch.url)
  const run = await runTelemetry({
    databaseUrl: way.url,
    databaseOptions: { statementTimeoutMs: 500, acquireTimeoutMs: 800 },
    spool: { directory: join(folder, 'spool'), maxBytes: 50_000_000 }
  })
  t.after(async () => {
    await run.close()
    way.close()
    await scratch.remove()
    await rm(folder, { recursive: true, force: true })
  })
  run.telemetry.start()
  const sent: string[] = []
  const answers: Record<string, number> = {}
  const nothingSpooled = async () => {
    while (run.telemetry.ingest.spool!.snapshot().records > 0) {
      run.clock.advance(50)
      await new Promise(setImmediate)
    }
  }
  const sendOne = async () => {
    const body = Array.from({ length: 10 }, () => ({
      id: randomUUIDv7(),
      type: 'session.start',
      time: new Date().toISOString(),
      user: { id: 'pro-ann' },
      session: { id: randomUUIDv7() }
    }))
    const { status, body: answer, text } = await run.send('POST', '/v1/events', { body })
    assert.equal(status, 200, text)
    for (const { id, result, code } of answer.results) {
      assert.equal(result, 'accepted')
      answers[code ?? result] = (answers[code ?? result] ?? 0) + 1
      sent.push(id)
    }
  }
  return {
    run,
    way,
    sent,
    load: (requests: number) =>
      Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let i = 0; i < requests; i++) {
            await sendOne()
            run.clock.advance(5)
          }
        })
      ),
    async drained() {
      assert.ok(run.telemetry.ingest.spool!.snapshot().events > 0)
      await nothingSpooled()
    },
    /** Every event that was answered for is there once, and the books say so. */
    async assertAllThereOnce() {
      // A commit that took longer than its limit was spooled, also without an outage.
      await nothingSpooled()
      assert.ok(answers.accepted! > 0 && answers.spooled! > 0, JSON.stringify(answers))
      const { rows } = await run.database.query<{ id: string }>('select id::text as id from eventlog.entries')
      assert.deepEqual(rows.map(({ id }) => id).sort(), sent.sort())
      const books = (await run.send('GET', '/v1/ledger')).body
      assert.deepEqual([books.accepted, books.rejected, books.spooled], [sent.length, 0, 0])
      assert.equal(books.received, books.accepted + books.duplicate)
      assert.deepEqual(run.warnings, [])
    }
  }
}

// An embedded engine has no wire to cut.
if (process.env.PLIMSOLL_DATABASE_URL) {
  describe('a PostgreSQL server that is cut off under load', () => {
    it('costs no answer and no count: every event is there once', async t => {
      const { way, sent, load, drained, assertAllThereOnce } = await underLoad(t)
      for (let outage = 0; outage < 3; outage++) {
        const loading = load(20)
        while (sent.length < outage * 2_000 + 300) await new Promise(setImmediate)
        way.cut()
        await loading
        await way.mend()
        await drained()
        await load(5)
      }
      await assertAllThereOnce()
    })
  })

  describe('a PostgreSQL server that goes silent under load', () => {
    it('costs no answer and no count either, though nobody is told that it is gone', async t => {
      const { way, sent, load, drained, assertAllThereOnce } = await underLoad(t)
      for (let outage = 0; outage < 2; outage++) {
        const loading = load(20)
        while (sent.length < outage * 2_000 + 300) await new Promise(setImmediate)
        way.fallSilent()
        await loading
        // What the server is told only now may be a commit that was given up: the spool's events are there then.
        way.speak()
        await drained()
        await load(5)
      }
      await assertAllThereOnce()
    })
  })
}
