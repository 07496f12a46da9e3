import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Result } from '@plimsoll/bench'
import type { ChaosOptions } from '../options.ts'
import { faults } from './faults/index.ts'
import { askPlatform, readLog } from './findings.ts'
import { interruption } from './interruption.ts'
import { play } from './play.ts'
import { expect, reconcile } from './reconcile.ts'
import { schedule } from './schedule.ts'
import { project, setStage } from './stage.ts'
import { sumOf } from './tally.ts'
import { traffic } from './traffic.ts'
import { verdict } from './verdict.ts'

/** How long clients may go on after the last fault, in milliseconds. */
const patienceMs = 90_000

/**
 * Random faults for minutes, several at once, under clients that send until they are answered. At the end what they sent
 * must be what is counted, by session and by feature: nothing lost, nothing double.
 */
export async function ingest({ quick, seed, note, seconds, store = 'pglite' }: ChaosOptions): Promise<Result> {
  const lengthMs = (seconds ?? (quick ? 16 : 600)) * 1_000
  const short = lengthMs < 60_000
  await using stack = new AsyncDisposableStack()
  const { signal } = stack.use(interruption())
  note(`setting up: toxiproxy, the metadata API, the platform on ${store}`)
  const set = await setStage(stack, { store, diskMegabytes: 500 + Math.ceil(lengthMs / 500) })
  const clients = traffic({
    urls: set.lanes.map(({ host, port }) => `http://${host}:${port}`),
    key: set.key,
    seed,
    paceMs: short ? 120 : 250,
    folder: set.folder
  })
  stack.defer(async () => void (await Promise.all(clients.map(client => client.dispose()))))
  const stage = { ...set, clients }

  const playable = faults.filter(fault => fault.missing?.(stage) === undefined)
  const notPlayable = Object.fromEntries(
    faults.flatMap(fault => {
      const why = fault.missing?.(stage)
      return why === undefined ? [] : [[fault.kind, why]]
    })
  )
  notPlayable['platform-clock'] = 'the platform’s own clock cannot be set without setting the machine’s'
  const planned = schedule({
    seed,
    lengthMs,
    kinds: playable,
    stormMs: short ? lengthMs : 45_000,
    quietMs: short ? Math.min(4_000, lengthMs / 6) : 12_000,
    gapMs: short ? 1_200 : 2_500
  })
  note(`${planned.strikes.length} strikes of ${playable.length} kinds in ${lengthMs / 1_000} s, seed ${seed}`)
  const beganAt = Date.now()
  for (const client of clients) client.start()
  const played = await play(stage, planned, { seed, faults: playable, signal, note })

  note('all is mended: the clients finish')
  await set.toxiproxy.heal()
  await Promise.all(clients.map(client => client.finish(patienceMs)))
  signal.throwIfAborted()
  note('asking the platform, then its store')
  const answers = await askPlatform(set.platform, project, { from: beganAt, to: Date.now(), patienceMs: 120_000 })
  const storeMegabytes = set.disk?.file ? await usedMegabytes(join(set.folder, 'data')) : undefined
  const { restarts } = set
  await set.platform.stop({ keepData: true })
  const log = await readLog(set.storeUrl, project)
  const expected = expect((await Promise.all(clients.map(client => client.deliveries()))).flat())
  return verdict({
    expected,
    reconciled: reconcile(expected, { ...answers, ...log }),
    answers,
    tally: sumOf(clients.map(client => client.tally)),
    unfinished: clients.reduce((sum, client) => sum + client.unfinished, 0),
    played,
    kinds: playable.map(({ kind }) => kind),
    notPlayable,
    restarts,
    beganAt,
    quiets: planned.quiets,
    storeMegabytes
  })
}

async function usedMegabytes(folder: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(folder)
  return ((blocks - bfree) * bsize) / 1_000_000
}
