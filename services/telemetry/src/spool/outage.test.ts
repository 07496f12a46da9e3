import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { scratchDatabase } from '@plimsoll/database/testing'
import { runTelemetry } from '../testing.ts'

/** The way to a server, which can be cut: what is under way breaks, and what comes is refused. */
async function cuttable(t: TestContext, url: string) {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const listener = createServer(near => {
    const far = connect(Number(target.port || 5432), target.hostname)
    for (const [one, other] of [
      [near, far],
      [far, near]
    ] as const) {
      sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  const listen = async (port: number) => {
    listener.listen(port, '127.0.0.1')
    await once(listener, 'listening')
    return (listener.address() as AddressInfo).port
  }
  const port = await listen(0)
  const cut = () => {
    listener.close()
    for (const socket of sockets) socket.destroy()
  }
  t.after(cut)
  const through = new URL(url)
  through.host = `127.0.0.1:${port}`
  return { url: through.href, cut, mend: () => listen(port) }
}

describe('a PostgreSQL server that is cut off under load', () => {
  // An embedded engine has no wire to cut.
  if (!process.env.PLIMSOLL_DATABASE_URL) return
  it('costs no answer and no count: every event is there once', async t => {
    const scratch = await scratchDatabase()
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-outage-'))
    const way = await cuttable(t, scratch.url)
    const run = await runTelemetry({
      databaseUrl: way.url,
      spool: { directory: join(folder, 'spool'), maxBytes: 50_000_000 }
    })
    t.after(async () => {
      await run.close()
      await scratch.remove()
      await rm(folder, { recursive: true, force: true })
    })
    run.telemetry.start()
    const sent: string[] = []
    const answers: Record<string, number> = {}
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
    const load = (requests: number) =>
      Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let i = 0; i < requests; i++) {
            await sendOne()
            run.clock.advance(5)
          }
        })
      )
    for (let outage = 0; outage < 3; outage++) {
      const loading = load(20)
      while (sent.length < outage * 1_600 + 300) await new Promise(setImmediate)
      way.cut()
      await loading
      assert.ok(run.telemetry.ingest.spool!.snapshot().events > 0)
      await way.mend()
      while (run.telemetry.ingest.spool!.snapshot().records > 0) {
        run.clock.advance(50)
        await new Promise(setImmediate)
      }
      await load(5)
    }
    assert.ok(answers.accepted! > 0 && answers.spooled! > 0, JSON.stringify(answers))
    const { rows } = await run.database.query<{ id: string }>('select id::text as id from eventlog.entries')
    assert.deepEqual(rows.map(({ id }) => id).sort(), sent.sort())
    const books = (await run.send('GET', '/v1/ledger')).body
    assert.deepEqual([books.accepted, books.rejected, books.spooled], [sent.length, 0, 0])
    assert.equal(books.received, books.accepted + books.duplicate)
    assert.deepEqual(run.warnings, [])
  })
})
