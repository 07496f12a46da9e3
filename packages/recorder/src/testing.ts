import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readRecords } from './read.ts'
import type { Source } from './record.ts'
import type { RecorderClock } from './ring/clock.ts'

/** A clock that stands until it is moved. */
export interface SetClock extends RecorderClock {
  wall: number
  up: number
  boot: string
  /** Time goes by: both move. */
  pass(ms: number): void
}

export function setClock(wall: number = Date.UTC(2026, 0, 2, 12), up = 1_000_000): SetClock {
  return {
    wall,
    up,
    boot: 'boot-1',
    wallNow() {
      return this.wall
    },
    upNow() {
      return this.up
    },
    pass(ms) {
      this.wall += ms
      this.up += ms
    }
  }
}

/** What `killWriter` has its process put into samples: each value follows from the first, so a torn one is seen. */
export function sampleOf(number: number): Record<string, number> {
  const values: Record<string, number> = { number }
  for (let i = 0; i < 60; i++) values[`value.${i}`] = (number * (i + 1)) % 10_007
  return values
}

const isWhole = (values: Readonly<Record<string, number>>) => {
  const expected = sampleOf(values.number ?? Number.NaN)
  return Object.keys(expected).every(name => expected[name] === values[name])
}

/**
 * Starts a process that writes samples as fast as it can, lets it write for a time, and kills it with SIGKILL. Returns the
 * last number that it said was written.
 * @param after the number before its first
 */
export async function killWriter(directory: string, afterMs: number, after = 0): Promise<number> {
  const worker = new URL('./writer-worker.ts', import.meta.url)
  const child = spawn(process.execPath, [fileURLToPath(worker), directory, String(after)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  // What it said is all heard only when its end of the pipe is closed.
  const closed = once(child, 'close')
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-100)
  })
  await once(child.stdout, 'data')
  await new Promise(resolve => setTimeout(resolve, afterMs))
  child.kill('SIGKILL')
  await closed
  return Number(/(\d+)\n\d*$/.exec(said)?.[1])
}

/** Reads what the killed writers left: how many samples, how many of them torn or missing, and the last number. */
export function inspect(directory: string): { samples: number; torn: number; missing: number; last: number } {
  let [samples, torn, missing, last] = [0, 0, 0, 0]
  for (const record of readRecords(directory).records) {
    if (record.kind !== 'sample') continue
    samples++
    if (!isWhole(record.values)) torn++
    const number = record.values.number!
    if (last !== 0 && number !== last + 1) missing++
    last = number
  }
  return { samples, torn, missing, last }
}

/**
 * Every series of `docs/vocabulary.md` by who records it, with NAME for a subject. A row has its first name in full, and of
 * the others of it what differs.
 */
export function vocabulary(): Record<Source, string[]> {
  const page = readFileSync(new URL('../docs/vocabulary.md', import.meta.url), 'utf8')
  const [, platform = '', watcher = ''] = page.split('\n## ')
  return { platform: namesIn(platform), watcher: namesIn(watcher) }
}

function namesIn(section: string): string[] {
  return section.split('\n').flatMap(row => {
    if (!row.startsWith('| `')) return []
    let general = ''
    return [...row.split(' | ')[0]!.matchAll(/`([^`]+)`/g)].map(([, name]) => {
      if (name!.startsWith('.')) return general + name
      general = name!.slice(0, name!.lastIndexOf('.'))
      return name!
    })
  })
}
