import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openRecorder, type RecorderClock, readRecords, type Sample, type Source } from '@plimsoll/recorder'
import { atLeast, atMost, type Result, type RunOptions } from './form.ts'
import { startLoad } from './load/run.ts'
import { startPlatformProcess } from './started-platform.ts'

const cli = fileURLToPath(import.meta.resolve('@plimsoll/cli/bin'))
const daySeconds = 86_400
const sources = ['platform', 'watcher'] as const

/**
 * What the black box costs a platform under load and its watcher, how much of the disk a day of it takes, and how long
 * `plimsoll why` takes over that day with nothing running.
 */
export async function recorder({ quick, note }: RunOptions): Promise<Result> {
  const real = await recorded(quick ? 12 : 40, note)
  const directory = await mkdtemp(join(tmpdir(), 'plimsoll-recorder-'))
  try {
    note('a day of records, looped from those')
    const day = writeDay(join(directory, 'recorder'), real.samples)
    const kept = readRecords(join(directory, 'recorder'), { to: Date.now() - (daySeconds - 120) * 1_000 }).records
    const heldBack = sources.filter(source => kept.some(record => record.source === source))
    const bytes = await sizeOf(join(directory, 'recorder'))
    const now = timeOfWhy(directory)
    const before = timeOfWhy(directory, '--at', '12h')
    const bare = bestOf(() => void spawnSync(process.execPath, ['-e', '0']))
    return {
      figures: {
        'platform: series in a sample': Object.keys(real.samples.platform.at(-1)!.values).length,
        'platform: processor time of a sample, ms, mean and p99': real.platformCost,
        'watcher: series in a sample': Object.keys(real.samples.watcher.at(-1)!.values).length,
        'watcher: processor time of a second, ms': real.watcherCost,
        'writing alone: processor time of a record, ms': day.cost,
        'bytes a second, platform and watcher': day.bytesPerSecond,
        'bytes on the disk': bytes,
        'why, now: wall time, ms': now,
        'why, twelve hours ago: wall time, ms': before,
        'a start of Node and no more: wall time, ms': bare
      },
      aims: [
        atMost('platform: share of a core', real.platformCost[0] / 1_000, 0.01, ''),
        atMost('watcher, with all that it does: share of a core', real.watcherCost / 1_000, 0.01, ''),
        atMost('bytes on the disk', bytes / 1e6, 64, 'MB'),
        atLeast('sources that hold 24 hours', heldBack.length, 2, ''),
        atMost('why over 24 hours of records', Math.max(now, before), 1_000, 'ms')
      ]
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** A real platform under load: its records, and what they cost. */
async function recorded(seconds: number, note: (line: string) => void) {
  const platform = await startPlatformProcess()
  try {
    note(`a platform under load for ${seconds} s`)
    const key = await platform.createKey('bench')
    const load = startLoad({
      host: platform.host,
      port: platform.port,
      path: '/v1/events',
      headers: { authorization: `Bearer ${key}` },
      kind: 'batch',
      batchSize: 10,
      users: 10_000,
      worker: 1,
      connections: 8,
      rate: 100,
      durationMs: (seconds + 2) * 1_000
    })
    await sleep(2_000)
    const began = Date.now()
    const before = await cpuMs(platform.pid)
    await sleep(seconds * 1_000)
    const watcherMs = (await cpuMs(platform.pid)) - before
    const ended = Date.now()
    await load.done
    const { records } = readRecords(join(platform.data, 'recorder'), { from: began, to: ended })
    const samplesOf = (source: Source) =>
      records.filter((one): one is Sample => one.kind === 'sample' && one.source === source)
    const samples = { platform: samplesOf('platform'), watcher: samplesOf('watcher') }
    const costs = samples.platform.map(({ values }) => values['recorder.cost'] ?? 0).sort((a, b) => a - b)
    return {
      samples,
      platformCost: [mean(costs), costs[Math.floor(costs.length * 0.99)]!] as const,
      watcherCost: watcherMs / ((ended - began) / 1_000)
    }
  } finally {
    await platform.stop()
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Processor time of a process so far, in milliseconds. Linux alone tells it of another process. */
async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Writes a day up to now, with time given. */
function writeDay(directory: string, samples: Record<Source, readonly Sample[]>) {
  const end = Date.now()
  let second = 0
  const clock: RecorderClock = {
    wallNow: () => end - (daySeconds - second) * 1_000,
    upNow: () => second * 1_000,
    boot: ''
  }
  const writers = sources.map(source => ({
    source,
    recorder: openRecorder({ directory: join(directory, source), source, clock })
  }))
  const began = process.cpuUsage()
  for (; second < daySeconds; second++)
    for (const { source, recorder } of writers)
      recorder.sample(samples[source][second % samples[source].length]!.values)
  const { user, system } = process.cpuUsage(began)
  const lost = writers.reduce((sum, { recorder }) => sum + recorder.lost, 0)
  if (lost > 0) throw new Error(`${lost} records were not written`)
  const bytes = writers.map(({ recorder }) => recorder.bytes)
  for (const { recorder } of writers) recorder.close()
  return {
    cost: (user + system) / 1_000 / (2 * daySeconds),
    bytesPerSecond: bytes.map(all => Math.round(all / daySeconds))
  }
}

async function sizeOf(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true })
  const sizes = await Promise.all(names.map(async name => stat(join(directory, name))))
  return sizes.reduce((sum, one) => sum + (one.isFile() ? one.size : 0), 0)
}

/** The command as a person runs it, from the start of Node to its last line: the best of five, in milliseconds. */
function timeOfWhy(data: string, ...args: string[]): number {
  return bestOf(() => {
    const asked = [cli, 'why', '--json', '--data', data, ...args]
    const { stdout } = spawnSync(process.execPath, asked, { encoding: 'utf8' })
    if (!stdout.includes('"state"')) throw new Error(`why said nothing: ${stdout}`)
  })
}

function bestOf(run: () => void): number {
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now()
    run()
    return performance.now() - began
  })
  return Math.round(Math.min(...times))
}
