import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atMost, type Result } from '@plimsoll/bench'
import { inspect, killWriter } from '@plimsoll/recorder/testing'
import { seededRandom } from './ingest/random.ts'
import type { ChaosOptions } from './options.ts'

/** Longer than this a writer is not left alone, in milliseconds: most kills are to come into the middle of a write. */
const longestMs = 40

/** A process that writes its black box as fast as it can is killed with SIGKILL, a thousand times, and read each time. */
export async function recorder({ quick, seed, note }: ChaosOptions): Promise<Result> {
  const kills = quick ? 100 : 1_000
  const directory = await mkdtemp(join(tmpdir(), 'plimsoll-recorder-'))
  const random = seededRandom(seed)
  const found = { torn: 0, missing: 0, forgotten: 0, written: 0 }
  try {
    for (let kill = 1; kill <= kills; kill++) {
      const said = await killWriter(join(directory, 'platform'), random() * longestMs, found.written)
      const { torn, missing, last } = inspect(directory)
      found.torn += torn
      found.missing += missing
      found.forgotten += Math.max(0, said - last)
      found.written = last
      if (kill % 100 === 0) note(`${kill} kills, ${last} records`)
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
  return {
    figures: { kills, 'records written': found.written },
    aims: [
      atMost('torn records', found.torn, 0, 'records'),
      atMost('gaps between records that are kept', found.missing, 0, 'gaps'),
      atMost('records said to be written and gone', found.forgotten, 0, 'records')
    ]
  }
}
