import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Aim, atLeast, atMost, type RunOptions } from './form.ts'
import { runLoad } from './load/run.ts'
import { residentMegabytes } from './resident-memory.ts'
import { type StartedPlatform, startPlatformProcess } from './started-platform.ts'

const step = 100_000
/** Steps whose middle value counts, at the beginning and at the end. */
const compared = 5
const batchSize = 100

interface Step {
  stored: number
  eventsPerSecond: number
  /** Time of both cores that an event took, from the socket to the read models, in microseconds. */
  cpuUs: number
  residentMb: number
}

/**
 * Ten million events into one platform: what an event costs when so many are stored, beside what it cost when there were
 * a hundred thousand, and how the memory grows. Cost is processor time, which a busy machine disturbs less than a rate.
 */
export async function growth({ quick, note }: RunOptions): Promise<{ figures: Record<string, unknown>; aims: Aim[] }> {
  const total = quick ? 500_000 : 10_000_000
  const platform = await startPlatformProcess()
  try {
    const pid = await platform.platformPid()
    const key = await platform.createKey('bench')
    const steps: Step[] = []
    let failures = 0
    for (let stored = 0; stored < total; stored += step) {
      const before = await cpuSeconds(pid)
      const report = await runLoad({
        host: platform.host,
        port: platform.port,
        path: '/v1/events',
        headers: { authorization: `Bearer ${key}` },
        kind: 'batch',
        batchSize,
        users: 100_000,
        worker: 1,
        // Few enough that the door refuses none: each step is to store as much as it says.
        connections: 24,
        requests: step / batchSize,
        durationMs: 120_000
      })
      await settled(platform)
      failures += report.failures + report.requests - report.ok
      steps.push({
        stored: stored + step,
        eventsPerSecond: report.events / report.seconds,
        cpuUs: (((await cpuSeconds(pid)) - before) / report.events) * 1e6,
        residentMb: await residentMegabytes(pid)
      })
      const { eventsPerSecond, cpuUs, residentMb: mb } = steps.at(-1)!
      if (quick || steps.length % 5 === 0)
        note(
          `${((stored + step) / 1e6).toFixed(1)} million: ${Math.round(eventsPerSecond)} events/s, ${cpuUs.toFixed(1)} µs of processor an event, ${Math.round(mb)} MB`
        )
    }
    const ledger = await platform.get<{ accepted: number; counted: number; balanced: boolean }>('/v1/ledger', 'bench')
    // The first step is the warming up: code is still being compiled.
    const atFirst = steps.slice(1, 1 + compared)
    const atLast = steps.slice(-compared)
    const cost = (of: Step[]) => middle(of.map(s => s.cpuUs))
    const settledMb = steps[Math.min(steps.length - 1, quick ? 1 : 9)]!.residentMb
    const grown = Math.max(...atLast.map(s => s.residentMb)) - settledMb
    return {
      figures: {
        'events stored': ledger.accepted,
        'at 100,000: processor time an event, µs': cost(atFirst),
        'at the end: processor time an event, µs': cost(atLast),
        'at 100,000: events/s': middle(atFirst.map(s => s.eventsPerSecond)),
        'at the end: events/s': middle(atLast.map(s => s.eventsPerSecond)),
        'resident memory of the platform at 1 million (quick: 200,000), MB': settledMb,
        'resident memory of the platform, highest, MB': Math.max(...steps.map(s => s.residentMb)),
        'on disk, MB': await diskMb(platform.data),
        'requests refused or failed': failures
      },
      aims: [
        atMost('cost of an event at the end, of that at 100,000', cost(atLast) / cost(atFirst), 1.3, ''),
        atMost('memory grown from 1 million on', grown, 100, 'MB'),
        atLeast('books balance, all counted', ledger.balanced && ledger.counted === ledger.accepted ? 1 : 0, 1, '')
      ]
    }
  } finally {
    await platform.stop()
  }
}

async function settled(platform: StartedPlatform): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    const { pending } = await platform.get<{ pending: number }>('/v1/ledger', 'bench')
    if (pending === 0) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Of the whole process, all threads, as Linux tells it in hundredths of a second. */
async function cpuSeconds(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function diskMb(directory: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size
  }
  return bytes / 1024 / 1024
}

const middle = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
