import { type Aim, atLeast, atMost, type RunOptions } from '@plimsoll/bench'
import type { Cause } from './causes/asked-why.ts'
import type { Drill } from './drill.ts'
import { type NightReport, runNight } from './night.ts'
import { causeAims, figuresOf, recoveryAims, standingAims } from './verdict.ts'

/** Faults of the platform itself and of its clients: they may cost time, and nothing that was acknowledged. */

/** How long the store is held or the loop blocked, in seconds. */
const faultSeconds = 4
const faultMs = faultSeconds * 1_000

interface OwnFault {
  about: string
  /** The phase in which it breaks, as the figures name it. */
  phase: string
  faults: { holdStoreMs?: number; blockLoopMs?: number }
  /** What `why` must name first. */
  cause: Cause
  load: NonNullable<Parameters<typeof runNight>[0]['load']>
  /** What it must hold beyond coming back by itself. */
  aims(report: NightReport): Aim[]
}

/** Well, broken, settling, well again: the same four phases, whatever breaks. */
const ownFault = ({ about, phase, faults, load, aims, cause }: OwnFault): Drill => ({
  about,
  async run({ quick, note }: RunOptions) {
    const seconds = quick ? 5 : 12
    const report = await runNight({
      phases: [
        { name: 'healthy', seconds },
        { name: phase, seconds: faultSeconds, cause, begin: stage => stage.breakPlatform(faults) },
        // The first seconds of "afterwards" belong to what was waiting.
        { name: 'settling', seconds: 5 },
        { name: 'after', seconds }
      ],
      load,
      note
    })
    return {
      figures: figuresOf(report),
      incident: report.named[phase]?.incident,
      aims: [
        ...aims(report),
        ...causeAims(report),
        ...recoveryAims(report),
        // The dashboard reads its own store, but what is not written cannot be fresh.
        ...standingAims(report, { worstAgeMs: faultMs + 3_000 })
      ]
    }
  }
})

export const exhaustedPool = ownFault({
  about: 'every connection to the primary store is taken and kept for four seconds',
  phase: 'held',
  cause: { rule: 'pool-exhausted' },
  faults: { holdStoreMs: faultMs },
  // Clients that say how long they wait, so that they are answered by then.
  load: { headers: { 'x-request-deadline': '1000' }, connections: 1_000 },
  aims: ({ phases, load }) => [
    atMost('answer p99 while held: a refusal by the deadline', phases.held!.p99, 1_500, 'ms'),
    atLeast('refused while held, with a time to come back', load.statuses['503'] ?? 0, 1, '')
  ]
})

export const blockedLoop = ownFault({
  about: 'a request keeps the event loop busy for four seconds',
  phase: 'blocked',
  cause: { rule: 'event-loop-blocked' },
  faults: { blockLoopMs: faultMs },
  load: { connections: 1_000 },
  aims: ({ health }) => [atLeast('/health said that the loop is stuck', health.refused, 1, 'times')]
})

export const stuckAtOnce = ownFault({
  about: 'the event loop is busy and every connection to the primary store is taken, both for four seconds',
  phase: 'stuck',
  cause: { rule: 'event-loop-blocked' },
  faults: { holdStoreMs: faultMs, blockLoopMs: faultMs },
  load: { connections: 1_000 },
  aims: ({ health, ready }) => [
    atLeast('/health said that the loop is stuck', health.refused, 1, 'times'),
    atLeast('/ready said no', ready.refused, 1, 'times')
  ]
})

export const retryStorm = ownFault({
  about: 'the store stalls for four seconds, and clients hang up after half a second and send again at once, ten times',
  phase: 'storm',
  // The storm follows from the stall; one that has lost its reason is the drill client-storm.
  cause: { rule: 'pool-exhausted' },
  faults: { holdStoreMs: faultMs },
  load: { timeoutMs: 500, retries: 10 },
  aims: ({ load }) => [atLeast('sent again by clients', load.retried, 100, 'times')]
})
