import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Result } from '@plimsoll/bench'
import type { ChaosOptions } from '../options.ts'
import type { Client } from './clients/client.ts'
import { faults } from './faults/index.ts'
import { askPlatform, notKnown, readLog, replayedOtherwise } from './findings.ts'
import { interruption } from './interruption.ts'
import { fatesOf, meetingsOf } from './meetings.ts'
import { play } from './play.ts'
import { expect, reconcile } from './reconcile.ts'
import { schedule } from './schedule.ts'
import { accountOf } from './sdk-account.ts'
import { project, setStage } from './stage.ts'
import { sumOf } from './tally.ts'
import { traffic, withoutChromium } from './traffic.ts'
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
    folder: set.folder,
    short
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
  const noChromium = withoutChromium({ short })
  if (noChromium !== undefined) notPlayable['SDK in Chromium'] = noChromium
  const planned = schedule({
    seed,
    lengthMs,
    // In a long run each fault of a way comes to each way.
    kinds: Array.from({ length: isLong(lengthMs) ? set.lanes.length : 1 }, () => playable).flat(),
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
  const deliveries = (await Promise.all(clients.map(client => client.deliveries()))).flat()
  const expected = expect(deliveries)
  const unknown = await notKnown(set.platform, set.key, [...expected.ids])
  const storeMegabytes = set.disk?.file ? await usedMegabytes(join(set.folder, 'data')) : undefined
  const { restarts } = set
  await set.platform.stop({ keepData: true })
  const log = await readLog(set.storeUrl, project)
  note('replaying the log from zero')
  const replayed = await replayedOtherwise(set.storeUrl, set.readUrl)
  const byId = Map.groupBy(log, ({ id }) => id)
  const told = Object.values(answers.ledger.clientLosses).reduce((sum, count) => sum + count, 0)
  const records = clients.flatMap(client => (client.recorded ? [{ name: client.name, ...client.recorded() }] : []))
  const sdk = accountOf(records, log, told, expected)
  const ids = new Map([...byId].map(([id, entries]) => [id, entries.length]))
  const senders = await Promise.all(
    clients.map(async client => ({
      name: client.name,
      kind: client.kind,
      lane: set.lanes.find(({ host, port }) => client.url === `http://${host}:${port}`)!.name,
      fates: sdk.fates.get(client.name) ?? fatesOf(await client.deliveries(), byId),
      canMeet: (kind: string) => canMeet(client, kind)
    }))
  )
  const kinds = playable.map(({ kind }) => kind)
  return verdict({
    expected,
    reconciled: reconcile(expected, { ...answers, ids, entries: log.length }),
    sdk,
    meetings: meetingsOf(senders, played.hits, kinds),
    mustMeetAll: isLong(lengthMs),
    unknown,
    replayedOtherwise: replayed,
    answers,
    tally: sumOf(clients.map(client => client.tally)),
    unfinished: clients.reduce((sum, client) => sum + client.unfinished, 0),
    played,
    kinds,
    notPlayable,
    restarts,
    beganAt,
    quiets: planned.quiets,
    storeMegabytes
  })
}

/** Long enough for each kind of client to meet each kind of fault. */
const isLong = (lengthMs: number) => lengthMs >= 600_000

function canMeet(client: Client, kind: string): boolean {
  if (kind === 'client-kill') return client.kill !== undefined
  if (kind === 'clock-jump') return client.setClock !== undefined
  return !kind.startsWith('browser-') || client.suffer !== undefined
}

async function usedMegabytes(folder: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(folder)
  return ((blocks - bfree) * bsize) / 1_000_000
}
