import type { Rank } from '../priority.ts'
import { Latencies } from './latencies.ts'
import { Probe } from './probe.ts'
import type { LimiterSettings } from './settings.ts'

/** Below this many answers a window says nothing. */
const FEWEST = 10
/** No window takes more than half of the limit away, before smoothing. */
const LEAST_GRADIENT = 0.5
/** So many windows in a row far too slow, though the limit went down: perhaps it is not our calls that make it slow. */
const SLOW_WINDOWS = 5
const FAR_TOO_SLOW = 0.9
/** What takes less asks nobody else. It also keeps 0 for what is not known. */
const SHORTEST_MS = 0.01
const FIRST_GAP_MS = 1_000
/** How far a median of a few dozen calls strays by chance. */
const CHANCE = 0.3
/** Half the calls take half the time while there is a queue: then the half is still too many. */
const STILL_QUEUED = 0.6
/** How much of what a window at rest shows is believed. */
const LEARNING = 0.1

/**
 * How many calls at once a dependency can serve, found out by how its latency answers to the limit: pure, over the time
 * that is handed in.
 *
 * As Gradient2 (Netflix concurrency-limits) and Envoy's adaptive concurrency: limit × (tolerance × latency at rest /
 * latency now), smoothed, a window at a time. It goes down while calls take longer than `tolerance` times what they take
 * at rest, and up by the square root of itself while they do not and the limit is what holds them back; by all of itself
 * until something was too slow for the first time, so that a low start is soon made good.
 *
 * The latency at rest is where they differ. Gradient2 takes a long average: in a long overload that learns the queue as
 * normal, and the limit creeps up without end. Envoy sends 3 calls at a time for a while: that is clean, and costs nearly
 * all of the traffic. Here a `Probe` halves the limit for about as long as two calls take, which is enough for the queue
 * to drain when the limit was less than twice the capacity, and halves again while that made calls faster. A window in
 * which the limit held nobody back is at rest by itself and needs no probe.
 *
 * When many windows in a row are far too slow though the limit goes down, it may not be our calls that make it slow, and
 * when they are faster than at rest, the rest is out of date: a probe at once finds out.
 */
export class Gradient {
  /** Medians, in milliseconds; 0 until known. */
  restMs = 0
  nowMs = 0
  readonly #settings: LimiterSettings
  readonly #random: () => number
  readonly #window = new Latencies()
  #limit: number
  #probe: Probe | null = null
  #steps = 0
  #nextProbeAt: number
  #gapMs: number
  #startedAt: number
  #drops = 0
  /** Nothing was too slow yet. */
  #slowStart = true
  #most = 0
  #limited = false
  #slowWindows = 0

  constructor(settings: LimiterSettings, random: () => number, now: number) {
    this.#settings = settings
    this.#random = random
    this.#limit = settings.initialLimit
    this.#gapMs = Math.min(FIRST_GAP_MS, settings.probeMs)
    this.#startedAt = now
    this.#nextProbeAt = now
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** What may run now. A probe lets the calls of before end first, and meanwhile turns no critical one away. */
  limitFor(rank: Rank, now: number): number {
    if (this.#probe === null || (rank === 0 && this.#probe.draining(now))) return this.limit
    return this.#probe.limit
  }

  get probing(): boolean {
    return this.#probe !== null
  }

  /** Someone could not be let in, and not for any other reason than the limit. */
  limited(): void {
    this.#limited = true
  }

  /** A call was let in as the `inFlight`th. Answers the step of the probe for which it is measured, or 0. */
  admitted(inFlight: number): number {
    if (inFlight > this.#most) this.#most = inFlight
    return this.#probe === null ? 0 : this.#probe.measure(inFlight)
  }

  /** A call was answered well. */
  answered(tookMs: number, step: number, now: number): void {
    const ms = Math.max(SHORTEST_MS, tookMs)
    this.#window.add(ms)
    if (step > 0) this.#probe?.ended(step, ms)
    this.#look(now)
  }

  /** A call timed out. */
  dropped(step: number, now: number): void {
    this.#drops++
    if (step > 0) this.#probe?.ended(step, Infinity)
    this.#look(now)
  }

  /** A call ended in a way that says nothing. */
  ignored(step: number, now: number): void {
    if (step > 0) this.#probe?.ended(step, null)
    this.#look(now)
  }

  #look(now: number): void {
    if (this.#probe?.done(now)) this.#endStep(this.#probe, now)
    const answers = this.#window.count + this.#drops
    if (answers < FEWEST || now - this.#startedAt < Math.max(this.#settings.windowMs, this.restMs)) return
    this.#judge(answers, now)
    this.#startWindow(now)
  }

  #startWindow(now: number): void {
    this.#window.clear()
    this.#drops = 0
    this.#most = 0
    this.#limited = false
    this.#startedAt = now
  }

  /** A window is over. Limits set during a probe are not judged: they are not what the latency answers to. */
  #judge(answers: number, now: number): void {
    if (this.#window.count > 0) this.nowMs = this.#window.median()
    const light = !this.#limited && this.#most <= this.#limit / 2
    if (this.#probe !== null) return
    this.#learnRest(light, now)
    if (this.restMs === 0) {
      if (this.nowMs === 0) this.#setLimit(this.#limit * LEAST_GRADIENT)
      else this.#startProbe(now)
      return
    }
    const gradient = Math.max(LEAST_GRADIENT, Math.min(1, (this.#settings.tolerance * this.restMs) / this.nowMs))
    if (!light) {
      if (gradient < 1 || this.#drops > 0) this.#slowStart = false
      const step = this.#slowStart ? this.#limit : Math.sqrt(this.#limit)
      const grown = gradient < 1 ? this.#limit * gradient : this.#limit + step
      this.#slowWindows = gradient < FAR_TOO_SLOW ? this.#slowWindows + 1 : 0
      this.#setLimit(grown * Math.max(LEAST_GRADIENT, 1 - this.#drops / answers))
    }
    if (light) this.#slowWindows = 0
    else if (now >= this.#nextProbeAt || this.#slowWindows >= SLOW_WINDOWS) this.#startProbe(now)
  }

  #learnRest(light: boolean, now: number): void {
    if (this.#window.count === 0) return
    if (light && this.restMs === 0) this.restMs = this.nowMs
    // Faster under load than at rest: what is known of the rest is out of date.
    if (this.nowMs < this.restMs * (1 - CHANCE)) this.#nextProbeAt = now
    if (light || this.nowMs < this.restMs) this.restMs += (this.nowMs - this.restMs) * LEARNING
  }

  #setLimit(wanted: number): void {
    const { smoothing, minLimit, maxLimit } = this.#settings
    const smoothed = this.#limit * (1 - smoothing) + wanted * smoothing
    this.#limit = Math.min(maxLimit, Math.max(minLimit, smoothed))
  }

  #startProbe(now: number): void {
    this.#probe = new Probe(this.restMs, this.nowMs, this.#steps)
    this.#probe.next(this.#halved(this.limit), now)
  }

  #halved(limit: number): number {
    return Math.max(this.#settings.minLimit, Math.floor(limit / 2))
  }

  #endStep(probe: Probe, now: number): void {
    const before = this.restMs
    const found = probe.found()
    if (found !== null && found < Infinity) {
      const strays = Math.abs(found - before) <= before * CHANCE
      this.restMs = strays ? (before + found) / 2 : found
      const faster = found < probe.loadedMs * STILL_QUEUED
      if (faster && probe.limit > this.#settings.minLimit) {
        probe.loadedMs = found
        probe.next(this.#halved(probe.limit), now)
        return
      }
    }
    this.#endProbe(probe, now)
  }

  #endProbe({ restBeforeMs, step }: Probe, now: number): void {
    this.#steps = step
    const moved = Math.abs(this.restMs - restBeforeMs) > restBeforeMs * CHANCE
    const { probeMs } = this.#settings
    this.#gapMs = moved ? Math.min(FIRST_GAP_MS, probeMs) : Math.min(probeMs, this.#gapMs * 2)
    // Jitter, or all who share the dependency would look at the same time, or spoil each other's look by turns.
    this.#nextProbeAt = now + this.#gapMs * (0.75 + this.#random() / 2)
    this.#slowWindows = 0
    this.#probe = null
    this.#startWindow(now)
  }
}
