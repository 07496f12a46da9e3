import { atLeast, atMost } from '@plimsoll/bench'
import type { Drill } from './drill.ts'
import { runNight } from './night.ts'
import { figuresOf, recoveryAims, standingAims } from './verdict.ts'

/** Faults of the platform itself and of its clients: they may cost time, and nothing that was acknowledged. */

/** Of "afterwards" the first seconds belong to what was waiting. */
const settling = (seconds: number) => ({ name: 'settling', seconds })

/** How long the store is held or the loop blocked, in seconds. */
const faultSeconds = 4

export const exhaustedPool: Drill = {
  about: 'every connection to the primary store is taken and kept for four seconds',
  async run({ quick, note }) {
    const seconds = quick ? 5 : 12
    const report = await runNight({
      phases: [
        { name: 'healthy', seconds },
        {
          name: 'held',
          seconds: faultSeconds,
          begin: stage => stage.breakPlatform({ holdStoreMs: faultSeconds * 1_000 })
        },
        settling(5),
        { name: 'after', seconds }
      ],
      // Clients that say how long they wait, so that they are answered by then.
      load: { headers: { 'x-request-deadline': '1000' }, connections: 1_000 },
      note
    })
    const held = report.phases.held!
    return {
      figures: figuresOf(report),
      aims: [
        atMost('answer p99 while held: a refusal by the deadline', held.p99, 1_500, 'ms'),
        atLeast('refused while held, with a time to come back', report.load.statuses['503'] ?? 0, 1, ''),
        ...recoveryAims(report),
        // The dashboard reads its own store, but what is not written cannot be fresh.
        ...standingAims(report, { worstAgeMs: faultSeconds * 1_000 + 3_000 })
      ]
    }
  }
}

export const blockedLoop: Drill = {
  about: 'a request keeps the event loop busy for four seconds',
  async run({ quick, note }) {
    const seconds = quick ? 5 : 12
    const report = await runNight({
      phases: [
        { name: 'healthy', seconds },
        {
          name: 'blocked',
          seconds: faultSeconds,
          begin: stage => stage.breakPlatform({ blockLoopMs: faultSeconds * 1_000 })
        },
        settling(5),
        { name: 'after', seconds }
      ],
      load: { connections: 1_000 },
      note
    })
    return {
      figures: figuresOf(report),
      aims: [
        atLeast('/health said that the loop is stuck', report.health.refused, 1, 'times'),
        ...recoveryAims(report),
        ...standingAims(report, { worstAgeMs: faultSeconds * 1_000 + 3_000 })
      ]
    }
  }
}

export const retryStorm: Drill = {
  about: 'the store stalls for four seconds, and clients hang up after half a second and send again at once, ten times',
  async run({ quick, note }) {
    const seconds = quick ? 5 : 12
    const report = await runNight({
      phases: [
        { name: 'healthy', seconds },
        {
          name: 'storm',
          seconds: faultSeconds,
          begin: stage => stage.breakPlatform({ holdStoreMs: faultSeconds * 1_000 })
        },
        settling(5),
        { name: 'after', seconds }
      ],
      load: { timeoutMs: 500, retries: 10 },
      note
    })
    return {
      figures: figuresOf(report),
      aims: [
        atLeast('sent again by clients', report.load.retried, 100, 'times'),
        ...recoveryAims(report),
        ...standingAims(report, { worstAgeMs: faultSeconds * 1_000 + 3_000 })
      ]
    }
  }
}
