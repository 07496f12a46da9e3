import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type Aim, atLeast, atMost, type RunOptions } from './form.ts'
import { type LoadReport, runLoad } from './load/run.ts'
import { RawInsert } from './raw-insert.ts'
import { startPlatformProcess } from './started-platform.ts'

/** Singles and batches against the running platform, between its two floors, in turns; the best turn of each counts. */
export async function ingest({ quick, note }: RunOptions): Promise<{ figures: Record<string, unknown>; aims: Aim[] }> {
  const rounds = quick ? 2 : 4
  const durationMs = quick ? 4_000 : 8_000
  const databaseUrl = process.env.PLIMSOLL_DATABASE_URL
  const platform = await startPlatformProcess()
  const echo = fork(new URL('./echo-process.ts', import.meta.url).pathname, [], { execArgv: [] })
  const raw = await RawInsert.open(databaseUrl)
  try {
    const [echoPort] = (await once(echo, 'message')) as [number]
    const key = await platform.createKey('bench')
    const common = {
      host: '127.0.0.1',
      users: 100_000,
      worker: 1,
      durationMs,
      headers: { authorization: `Bearer ${key}` }
    }
    const target = { ...common, port: platform.port, path: '/v1/events' }
    await runLoad({ ...target, kind: 'event', batchSize: 1, connections: 64, durationMs: 2_000 })

    const echoes: LoadReport[] = []
    const singles: LoadReport[] = []
    const sessions: LoadReport[] = []
    const batches: LoadReport[] = []
    const raws: number[] = []
    for (let round = 1; round <= rounds; round++) {
      note(`round ${round} of ${rounds}`)
      // Neither the floors nor the next turn beside what the batches left to count.
      await settle(platform)
      echoes.push(
        await runLoad({
          ...common,
          port: echoPort,
          path: '/',
          kind: 'echo',
          batchSize: 1,
          connections: 256,
          durationMs: durationMs / 2
        })
      )
      singles.push(await runLoad({ ...target, kind: 'event', batchSize: 1, connections: 512 }))
      sessions.push(
        await runLoad({
          ...target,
          path: '/v1/sessions',
          kind: 'session',
          batchSize: 1,
          connections: 512,
          durationMs: durationMs / 2
        })
      )
      batches.push(await runLoad({ ...target, kind: 'batch', batchSize: 100, connections: 64 }))
      await settle(platform)
      raw.prepare(quick ? 120 : 240, 500)
      raws.push(await raw.run(databaseUrl ? 3 : 1))
      const rate = (r: LoadReport) => Math.round(r.ok / r.seconds)
      note(
        `  echo ${rate(echoes.at(-1)!)}/s, single ${rate(singles.at(-1)!)}/s (p99 ${singles.at(-1)!.latency.p99} ms), sessions ${rate(sessions.at(-1)!)}/s, ` +
          `batched ${Math.round(batches.at(-1)!.events / batches.at(-1)!.seconds)} events/s, raw unnest ${Math.round(raws.at(-1)!)} rows/s`
      )
    }
    const best = (all: LoadReport[], of: (r: LoadReport) => number) => Math.max(...all.map(r => of(r) / r.seconds))
    const single = best(singles, r => r.ok)
    const session = best(sessions, r => r.ok)
    const batched = best(batches, r => r.events)
    const echoRate = best(echoes, r => r.ok)
    const rawRate = Math.max(...raws)
    const sent = [...singles, ...sessions, ...batches].reduce((sum, r) => sum + r.events, 0)
    const refused = [...singles, ...sessions, ...batches].reduce((sum, r) => sum + r.failures + r.requests - r.ok, 0)

    const steadies: LoadReport[] = []
    for (let round = 0; round < rounds / 2; round++) {
      await settle(platform)
      note('80 % of the best rate, for latency')
      steadies.push(await runLoad({ ...target, kind: 'event', batchSize: 1, connections: 512, rate: single * 0.8 }))
      note(`  p99 ${steadies.at(-1)!.latency.p99} ms`)
    }
    const steady = steadies.reduce((one, other) => (other.latency.p99 < one.latency.p99 ? other : one))
    const ledger = await settle(platform)
    return {
      figures: {
        store: databaseUrl ? 'postgres' : 'pglite',
        'bare node:http JSON echo, requests/s': echoRate,
        'POST /v1/events, one event, requests/s': single,
        'POST /v1/sessions, requests/s': session,
        'POST /v1/events, 100 events, events/s': batched,
        'raw unnest insert of the same rows, rows/s': rawRate,
        'single as a share of the echo': single / echoRate,
        'batched as a share of the raw insert': batched / rawRate,
        'single at 80 % of its best: p50, p95, p99 ms': [steady.latency.p50, steady.latency.p95, steady.latency.p99],
        'the p99 of each turn at 80 %, ms': steadies.map(({ latency }) => latency.p99),
        'events acknowledged': sent,
        'requests refused or failed': refused,
        ledger
      },
      aims: [
        atLeast('single POSTs with durable acks', single, 10_000, 'requests/s'),
        atMost('single at 80 % of its best: p99', steady.latency.p99, 100, 'ms'),
        atLeast('batched, of the raw unnest insert', batched / rawRate, 0.6, ''),
        atLeast('books balance', ledger.balanced && ledger.pending === 0 ? 1 : 0, 1, '')
      ]
    }
  } finally {
    echo.kill()
    await raw.close()
    await platform.stop()
  }
}

/** Waits, for two minutes at most, until all that was acknowledged is counted, billed and in the feeds. */
async function settle(platform: { get<T>(path: string, project?: string): Promise<T> }) {
  let ledger: { accepted: number; pending: number; balanced: boolean } = { accepted: 0, pending: 1, balanced: false }
  let behind = 1
  for (let tries = 0; tries < 480 && (ledger.pending > 0 || behind > 0); tries++) {
    ledger = await platform.get('/v1/ledger', 'bench')
    const { subscribers } = await platform.get<{ subscribers: { behind: number | null }[] }>('/v1/subscribers')
    behind = subscribers.reduce((sum, one) => sum + (one.behind ?? 1), 0)
    await new Promise(resolve => setTimeout(resolve, 250))
  }
  return ledger
}
