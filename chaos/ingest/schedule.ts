import { between, pick, type Random, seededRandom, shuffled } from './random.ts'

/** When which fault is played. Pure: the same seed makes the same schedule. */

export interface Playable {
  kind: string
  /** Faults of one group do not overlap: they would undo each other. */
  group: string
  /** How long one is played, in milliseconds. */
  shortestMs: number
  longestMs: number
}

export interface Strike {
  kind: string
  group: string
  /** From the start of the run, in milliseconds. */
  atMs: number
  forMs: number
}

export interface Span {
  fromMs: number
  toMs: number
}

export interface Schedule {
  strikes: Strike[]
  /** Nothing is broken here. */
  quiets: Span[]
}

export interface ScheduleOptions {
  seed: number
  lengthMs: number
  kinds: readonly Playable[]
  /** A storm and the quiet after it, over and over. */
  stormMs: number
  quietMs: number
  /** Between the strikes that are drawn at random, on average. */
  gapMs: number
}

/**
 * Each kind once, anywhere in the storms, so that none is missing; and on top of these as many drawn at random as `gapMs`
 * says. Any can meet any, but for those of its own group.
 */
export function schedule({ seed, lengthMs, kinds, stormMs, quietMs, gapMs }: ScheduleOptions): Schedule {
  if (!(gapMs > 0 && stormMs > 0 && quietMs >= 0)) throw new RangeError('storms and gaps take time')
  const random = seededRandom(seed, 'schedule')
  const { storms, quiets } = weather(lengthMs, stormMs, quietMs)
  const stormy = storms.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
  const strikes: Strike[] = []
  // Those of one group share the time out among them: placed by chance, the first could leave no room for the last.
  for (const group of Map.groupBy(shuffled(random, kinds), ({ group }) => group).values()) {
    const share = stormy / group.length
    for (const [n, kind] of group.entries()) {
      // What does not fit at all is given up: the report will say that it was not played.
      for (let tries = 0; tries < 200; tries++) {
        if (place(strikes, storms, kind, (n + random()) * share, random, (n + 1) * share)) break
      }
    }
  }
  for (let due = random() * gapMs; due < stormy; due += -Math.log(1 - random()) * gapMs) {
    place(strikes, storms, pick(random, kinds), due, random, stormy)
  }
  strikes.sort((a, b) => a.atMs - b.atMs)
  return { strikes, quiets }
}

function weather(lengthMs: number, stormMs: number, quietMs: number): { storms: Span[]; quiets: Span[] } {
  const storms: Span[] = []
  const quiets: Span[] = []
  for (let at = 0; at < lengthMs; at += stormMs + quietMs) {
    // What goes before a storm is quiet too, and so the run begins with one: clients must be seen well.
    quiets.push({ fromMs: at, toMs: Math.min(lengthMs, at + quietMs) })
    if (at + quietMs < lengthMs) storms.push({ fromMs: at + quietMs, toMs: Math.min(lengthMs, at + quietMs + stormMs) })
  }
  return { storms, quiets }
}

/** Puts a strike where it is due, in stormy time, unless it would last beyond its storm or `endBy`, or meet its own group. */
function place(
  strikes: Strike[],
  storms: readonly Span[],
  kind: Playable,
  due: number,
  random: Random,
  endBy: number
): boolean {
  const forMs = between(random, kind.shortestMs, kind.longestMs)
  let passed = 0
  for (const { fromMs, toMs } of storms) {
    if (due < passed + toMs - fromMs) {
      const atMs = Math.floor(fromMs + due - passed)
      const free = strikes.every(s => s.group !== kind.group || s.atMs + s.forMs <= atMs || atMs + forMs <= s.atMs)
      if (due + forMs > endBy || atMs + forMs > toMs || !free) return false
      strikes.push({ kind: kind.kind, group: kind.group, atMs, forMs })
      return true
    }
    passed += toMs - fromMs
  }
  return false
}
