import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as nap } from 'node:timers/promises'
import { type Aim, atLeast, atMost, type Result } from '@plimsoll/bench'
import type { Client } from '../ingest/clients/client.ts'
import { httpClient } from '../ingest/clients/http-client.ts'
import { byConnection, byFetch } from '../ingest/clients/transport.ts'
import { interruption } from '../ingest/interruption.ts'
import { play } from '../ingest/play.ts'
import { expect } from '../ingest/reconcile.ts'
import { schedule } from '../ingest/schedule.ts'
import type { ChaosOptions } from '../options.ts'
import { type Count, countOf, extraOf } from './count.ts'
import { rivalFaults } from './faults.ts'
import { setTargets, type Target } from './targets.ts'

/** How long clients may go on after the last fault, in milliseconds. */
const patienceMs = 30_000

interface Line extends Count {
  name: string
  about: string
  /** The most that a count was too high at any look during the run. */
  doubledAtWorst: number
  unfinished: number
}

/** The same clients and the same faults for ours and for designs that others ship: what each loses, what each counts twice. */
export async function rivals({ quick, seed, note, seconds }: ChaosOptions): Promise<Result> {
  const lengthMs = (seconds ?? (quick ? 14 : 60)) * 1_000
  await using stack = new AsyncDisposableStack()
  const { signal } = stack.use(interruption())
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-chaos-rivals-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  note('setting up: PostgreSQL, Redis, toxiproxy, the platform and the stand-ins')
  const { toxiproxy, all } = await setTargets(stack, folder)
  const under = all.map(target => ({ target, clients: clientsOf(target, seed), doubledAtWorst: 0 }))
  stack.defer(async () => void (await Promise.all(under.flatMap(({ clients }) => clients.map(c => c.dispose())))))

  const planned = schedule({
    seed,
    lengthMs,
    kinds: rivalFaults,
    stormMs: lengthMs,
    quietMs: 1_500,
    gapMs: 3_000
  })
  let looking = true
  const looks = Promise.all(
    under.map(async entry => {
      for (; looking; await nap(500)) {
        entry.doubledAtWorst = Math.max(entry.doubledAtWorst, extraOf(await entry.target.counts()))
      }
    })
  )
  looks.catch(() => undefined)
  for (const client of under.flatMap(({ clients }) => clients)) client.start()
  const { played, failed } = await play(all, planned, { seed, faults: rivalFaults, signal, note })
  note('all is mended: the clients finish')
  await toxiproxy.heal()
  await Promise.all(under.flatMap(({ clients }) => clients.map(client => client.finish(patienceMs))))
  signal.throwIfAborted()
  looking = false
  await looks

  const lines: Line[] = []
  for (const { target, clients, doubledAtWorst } of under) {
    await target.stop()
    const { ids } = expect((await Promise.all(clients.map(client => client.deliveries()))).flat())
    const unfinished = clients.reduce((sum, client) => sum + client.unfinished, 0)
    const count = countOf(ids, await target.counts())
    lines.push({ name: target.name, about: target.about, ...count, doubledAtWorst, unfinished })
  }
  return {
    figures: { 'faults played, each on all': played, 'strikes that could not be played': failed, designs: lines },
    aims: lines.flatMap(aimsOf),
    table: tableOf(lines, played)
  }
}

function clientsOf({ lane, key }: Target, seed: number): Client[] {
  const options = { seed, key, url: `http://${lane.host}:${lane.port}`, atOnce: 2, paceMs: 120, eventsOnly: true }
  // The same names, so that all are sent the same.
  return [
    httpClient({ ...options, name: 'fetch', kind: 'fetch', transport: byFetch }),
    httpClient({ ...options, name: 'connection', kind: 'connection', transport: byConnection })
  ]
}

function aimsOf({ name, lost, doubled, doubledAtWorst, unfinished }: Line): Aim[] {
  if (name !== 'plimsoll')
    return [atLeast(`${name}: lost or doubled, or the faults prove nothing`, lost + doubled + doubledAtWorst, 1, '')]
  return [
    atMost('plimsoll: lost', lost, 0, ''),
    atMost('plimsoll: doubled', doubled + doubledAtWorst, 0, ''),
    atMost('plimsoll: without a final answer', unfinished, 0, '')
  ]
}

function tableOf(lines: readonly Line[], played: Record<string, number>): string[] {
  const row = (cells: readonly (string | number)[]) =>
    `  ${cells.map((cell, i) => (i === 0 ? String(cell).padEnd(14) : i === 5 ? String(cell) : String(cell).padStart(9))).join('  ')}`
  return [
    `  faults on all: ${Object.entries(played)
      .map(([kind, times]) => `${times} × ${kind}`)
      .join(', ')}`,
    row(['', 'sent', 'lost', 'doubled', 'at worst', '']),
    ...lines.map(l => row([l.name, l.sent, l.lost, l.doubled, l.doubledAtWorst, l.about]))
  ]
}
