import { setTimeout as nap } from 'node:timers/promises'
import type { Fault } from './faults/index.ts'
import { seededRandom } from './random.ts'
import type { Schedule } from './schedule.ts'

export interface Played {
  /** Times that each kind was played to its end. */
  played: Record<string, number>
  /** Strikes that could not be played, in words. */
  failed: string[]
}

export interface PlayOptions<On> {
  seed: number
  faults: readonly Fault<On>[]
  signal: AbortSignal
  note(line: string): void
}

/** Plays a schedule, several faults at once where it says so. Resolves when the last is mended and the time is over. */
export async function play<On>(
  stage: On,
  { strikes, quiets }: Schedule,
  { seed, faults, signal, note }: PlayOptions<On>
): Promise<Played> {
  const byKind = new Map(faults.map(fault => [fault.kind, fault]))
  const played: Record<string, number> = {}
  const failed: string[] = []
  const began = performance.now()
  const until = (ms: number) => nap(Math.max(0, began + ms - performance.now()), undefined, { signal })
  const wait = (ms: number) => nap(Math.max(0, ms), undefined, { signal })
  const running = strikes.map(async (strike, n) => {
    await until(strike.atMs)
    note(`  ${(strike.atMs / 1_000).toFixed(1).padStart(6)} s  ${strike.kind} for ${strike.forMs} ms`)
    try {
      await byKind.get(strike.kind)!.play(stage, strike, { random: seededRandom(seed, 'strike', n), wait })
      played[strike.kind] = (played[strike.kind] ?? 0) + 1
    } catch (error) {
      signal.throwIfAborted()
      failed.push(`${strike.kind}: ${(error as Error).message}`)
    }
  })
  await Promise.all([...running, until(quiets.at(-1)?.toMs ?? 0)])
  return { played, failed }
}
