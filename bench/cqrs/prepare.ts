import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RunOptions } from '../form.ts'
import { type StartedPlatform, startPlatformProcess } from '../started-platform.ts'
import { loadPrimary } from './load.ts'

export interface Prepared {
  /** The rows for the other engines. */
  file: string
  /** The data folder of a platform that is stopped. */
  data: string
  key: string
  /** The sessions are of the seven days before it, in milliseconds. */
  until: number
  /** Entries a second that became read models, when these were made. */
  replayed: number
}

/**
 * A platform's folder with `total` sessions, its read models made from its log; left in `folder` for another run, which takes
 * it as it is.
 */
export async function prepare(folder: string, total: number, note: RunOptions['note']): Promise<Prepared> {
  const [file, data, told] = ['sessions.tsv', 'data', `prepared-${total}.json`].map(name => join(folder, name)) as [
    string,
    string,
    string
  ]
  const before = await readFile(told, 'utf8').catch(() => undefined)
  if (before !== undefined) return JSON.parse(before) as Prepared
  await mkdir(folder, { recursive: true })
  const until = Date.now()
  const empty = await startPlatformProcess({ data })
  const key = await empty.createKey('bench').finally(() => empty.stop())
  note(`loading ${total.toLocaleString('en-GB')} sessions of the last seven days`)
  const loadedAt = performance.now()
  await loadPrimary(data, file, { total, until }, note)
  note(`loaded in ${Math.round((performance.now() - loadedAt) / 1_000)} s; now the read models from the log`)
  const platform = await startPlatformProcess({ data })
  const countedAt = performance.now()
  await caughtUp(platform).finally(() => platform.stop())
  const replayed = total / ((performance.now() - countedAt) / 1_000)
  const prepared = { file, data, key, until, replayed }
  await writeFile(told, JSON.stringify(prepared))
  return prepared
}

/** Waits until all that was accepted is in the read models. */
export async function caughtUp(platform: StartedPlatform): Promise<void> {
  for (let tries = 0; tries < 9_000; tries++) {
    const { pending } = await platform.get<{ pending: number }>('/v1/ledger', 'bench')
    if (pending === 0) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('the read side did not catch up in fifteen minutes')
}
