import { type Aim, atLeast, atMost, type RunOptions } from './form.ts'
import { type LoadReport, runLoad } from './load/run.ts'
import { type StartedPlatform, startPlatformProcess } from './started-platform.ts'

/** The others, whose lag must not move. */
const others = ['analytics', 'feed']
/** Looks at how the subscribers stand, while something is sent, in milliseconds. */
const lookMs = 500

interface Row {
  name: string
  behind: number | null
  lagSeconds: number
  attempts: number
  parkedKeys: number
  state: string
  cursor: string
}

interface Turn {
  report: LoadReport
  /** Of each look, the seconds that each of the others was behind. */
  lags: number[]
  /** Seconds from the end of the sending until the others had all of it. */
  settled: number
}

/**
 * One subscriber at an entry a second, one dead, one poisoned, beside the same platform without them, in turns. The dead one is
 * billing: without them it stands still, so that it is behind by all of the run; what it costs when it is well is in neither.
 */
export async function isolation({
  quick,
  note
}: RunOptions): Promise<{ figures: Record<string, unknown>; aims: Aim[] }> {
  const pairs = quick ? 3 : 5
  const durationMs = quick ? 3_000 : 6_000
  const platform = await startPlatformProcess({ flags: ['--fault-knobs', '--log-level', 'error'] })
  try {
    const key = await platform.createKey('bench')
    const target = {
      host: '127.0.0.1',
      port: platform.port,
      path: '/v1/events',
      headers: { authorization: `Bearer ${key}` },
      kind: 'batch' as const,
      batchSize: 100,
      users: 100_000,
      worker: 1,
      connections: 32
    }
    const warm = await runLoad({ ...target, durationMs: 2_000 })
    await settle(platform, [...others, 'billing'])
    let sent = warm.events
    const turn = async (): Promise<Turn> => {
      const lags: number[] = []
      let over = false
      const looking = (async () => {
        while (!over) {
          for (const row of await standing(platform)) if (others.includes(row.name)) lags.push(row.lagSeconds)
          await pause(lookMs)
        }
      })()
      const report = await runLoad({ ...target, durationMs })
      over = true
      await looking
      sent += report.events
      const began = performance.now()
      await settle(platform, others)
      return { report, lags, settled: (performance.now() - began) / 1_000 }
    }
    const without: Turn[] = []
    const beside: Turn[] = []
    let troubled: Row[] = []
    for (let pair = 1; pair <= pairs; pair++) {
      note(`pair ${pair} of ${pairs}`)
      const turns = [
        async () => {
          await fault(platform, { practice: false, subscribers: { billing: 'paused' } })
          without.push(await turn())
        },
        async () => {
          await fault(platform, { practice: true, subscribers: { billing: 'dead' } })
          beside.push(await turn())
          troubled = await standing(platform)
        }
      ]
      // The log grows, so that the one that is always second would have more of it.
      for (const each of pair % 2 === 0 ? turns.reverse() : turns) await each()
      const rate = ({ report }: Turn) => Math.round(report.events / report.seconds)
      note(`  without ${rate(without.at(-1)!)} events/s, beside them ${rate(beside.at(-1)!)} events/s`)
    }
    const [slow, poisoned, dead] = ['practice-slow', 'practice-poisoned', 'billing'].map(
      name => troubled.find(row => row.name === name)!
    )
    await fault(platform, { practice: false, subscribers: { billing: 'dead' } })
    const behind = (await standing(platform)).find(({ name }) => name === 'billing')!.behind ?? 0
    note(`billing is behind by ${behind} and gets well`)
    const { seconds, perSecond } = await recover(platform, behind)
    note(`  it caught up in ${seconds.toFixed(1)} s`)
    const month = new Date().toISOString().slice(0, 7)
    const bill = await platform.get<{ sessions: number }>(`/v1/billing/bench/${month}?consistency=billing`)
    const books = await recompute(platform)

    const rates = (turns: Turn[]) => turns.map(({ report }) => report.events / report.seconds)
    const lagOf = (turns: Turn[]) => median(turns.flatMap(({ lags }) => lags))
    const ratio = median(rates(beside).map((rate, i) => rate / rates(without)[i]!))
    const moved = lagOf(beside) - lagOf(without)
    return {
      figures: {
        'without them, events/s': rates(without).map(Math.round),
        'beside them, events/s': rates(beside).map(Math.round),
        'ratio, median of the pairs': ratio,
        'lag of the others without, median s': lagOf(without),
        'lag of the others beside, median s': lagOf(beside),
        'seconds for the rest, without': without.map(({ settled }) => settled),
        'seconds for the rest, beside': beside.map(({ settled }) => settled),
        slow,
        poisoned,
        dead,
        'dead one behind by, entries': behind,
        'caught up in, s': seconds,
        'events sent': sent,
        'sessions sent': sent / 5,
        'sessions billed': bill.sessions,
        books
      },
      aims: [
        atLeast('ingest beside a slow, a dead and a poisoned subscriber, of that without', ratio, 0.98, ''),
        atMost('lag of the other subscribers, moved by', Math.max(0, moved), 0.25, 's'),
        atLeast('the dead one catches up by itself', perSecond, 20_000, 'events/s'),
        atMost('sessions billed wrongly', Math.abs(bill.sessions - sent / 5), 0, ''),
        atLeast('books made again from the log are the same', books.equal ? 1 : 0, 1, ''),
        atLeast('keys that the poisoned one parked', poisoned?.parkedKeys ?? 0, 1, '')
      ]
    }
  } finally {
    await platform.stop()
  }
}

const standing = async (platform: StartedPlatform) =>
  (await platform.get<{ subscribers: Row[] }>('/v1/subscribers')).subscribers

async function fault(platform: StartedPlatform, faults: object): Promise<void> {
  const response = await fetch(`${platform.url}/admin/faults/subscribers`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${platform.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(faults)
  })
  if (!response.ok) throw new Error(`the faults were refused: ${response.status} ${await response.text()}`)
}

/** Waits until these have all that was sent. */
async function settle(platform: StartedPlatform, names: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const rows = (await standing(platform)).filter(({ name }) => names.includes(name))
    if (rows.every(({ behind }) => behind === 0)) return
    await pause(100)
  }
  throw new Error(`${names.join(', ')} did not catch up within a minute`)
}

/** From the moment at which its dependency is back: the wait before it tries again is in it. */
async function recover(platform: StartedPlatform, behind: number): Promise<{ seconds: number; perSecond: number }> {
  const began = performance.now()
  await fault(platform, { subscribers: { billing: 'well' } })
  let moving: number | undefined
  for (let tries = 0; tries < 600; tries++) {
    const row = (await standing(platform)).find(({ name }) => name === 'billing')!
    if (row.attempts === 0) moving ??= performance.now()
    if (row.behind === 0) {
      const seconds = (performance.now() - began) / 1_000
      return { seconds, perSecond: behind / ((performance.now() - (moving ?? began)) / 1_000) }
    }
    await pause(200)
  }
  throw new Error('billing did not catch up within a minute')
}

async function recompute(platform: StartedPlatform): Promise<{ equal: boolean; entries: number }> {
  const response = await fetch(`${platform.url}/v1/billing/recompute`, {
    method: 'POST',
    headers: { authorization: `Bearer ${platform.adminToken}` }
  })
  const { equal, entries } = (await response.json()) as { equal: boolean; entries: number }
  return { equal, entries }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

const pause = (ms: number) => new Promise<void>(resolve => setTimeout(resolve, ms))
