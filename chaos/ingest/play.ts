import { setTimeout as nap } from 'node:timers/promises'
import type { Fault, Target } from './faults/index.ts'
import { pick, seededRandom } from './random.ts'
import type { Schedule } from './schedule.ts'

export interface Played {
  /** Times that each kind was played to its end. */
  played: Record<string, number>
  /** Strikes that could not be played, in words. */
  failed: string[]
  /** All that were begun. */
  hits: Hit[]
}

/** When what was broken, in milliseconds since 1970. */
export interface Hit {
  kind: string
  from: number
  to: number
  /** Absent: everything. */
  target?: Target
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
  const hits: Hit[] = []
  const began = performance.now()
  const until = (ms: number) => nap(Math.max(0, began + ms - performance.now()), undefined, { signal })
  const wait = (ms: number) => nap(Math.max(0, ms), undefined, { signal })
  const running = strikes.map(async (strike, n) => {
    await until(strike.atMs)
    note(`  ${(strike.atMs / 1_000).toFixed(1).padStart(6)} s  ${strike.kind} for ${strike.forMs} ms`)
    const random = seededRandom(seed, 'strike', n)
    const hit: Hit = { kind: strike.kind, from: Date.now(), to: Number.POSITIVE_INFINITY }
    hits.push(hit)
    try {
      await byKind.get(strike.kind)!.play(stage, strike, {
        random,
        wait,
        hit(target) {
          hit.target = target
        },
        leastHit: (from, labelOf) =>
          pick(
            random,
            leastOf(from, one => timesHit(hits, strike.kind, labelOf(one)))
          )
      })
      played[strike.kind] = (played[strike.kind] ?? 0) + 1
    } catch (error) {
      signal.throwIfAborted()
      failed.push(`${strike.kind}: ${(error as Error).message}`)
    } finally {
      hit.to = Date.now()
    }
  })
  await Promise.all([...running, until(quiets.at(-1)?.toMs ?? 0)])
  return { played, failed, hits }
}

function leastOf<T>(from: readonly T[], countOf: (one: T) => number): T[] {
  const least = Math.min(...from.map(countOf))
  return from.filter(one => countOf(one) === least)
}

const timesHit = (hits: readonly Hit[], kind: string, label: string) =>
  hits.filter(
    hit => hit.kind === kind && hit.target && label === ('lane' in hit.target ? hit.target.lane : hit.target.clientKind)
  ).length
