import type { Exit, KnownState } from './contract.ts'
import type { Phase } from './supervisor.ts'

export interface Observation {
  now: number
  phase: Phase
  lastBeat: number
  restarts: number
  known: KnownState | undefined
  exits: readonly Exit[]
  address: string | undefined
}

/** Silence for longer than this means that the platform's main loop is stuck, in milliseconds. */
const stuckAfterMs = 3_000

export interface Verdict {
  status: 'pass' | 'warn' | 'fail'
  /** One sentence for people. */
  output: string
  ready: boolean
}

/** What the watcher makes of what it sees: pure, so that it can be tried with any evidence. */
export function judge({ now, phase, lastBeat, known, exits }: Observation): Verdict {
  const last = exits.at(-1)
  switch (phase) {
    case 'starting':
      return { status: 'fail', output: last ? `starting again after ${reasonOf(last)}` : 'starting', ready: false }
    case 'down':
      return {
        status: 'fail',
        output: last ? `down: ${reasonOf(last)}; it will be started again` : 'down',
        ready: false
      }
    case 'stopping':
      return { status: 'warn', output: 'stopping, as asked', ready: false }
    case 'failed':
      return { status: 'fail', output: 'could not start', ready: false }
    case 'ready': {
      const silentMs = now - lastBeat
      if (silentMs > stuckAfterMs) {
        return {
          status: 'fail',
          output: `the platform's main loop has been silent for ${Math.round(silentMs / 1000)} s`,
          ready: false
        }
      }
      // A dependency that is away does not make the platform unready: it has answers of its own for that.
      if (known && known.breaker !== 'closed' && known.breaker !== 'none') {
        return { status: 'warn', output: `up; the metadata breaker is ${known.breaker}, enrichment waits`, ready: true }
      }
      return { status: 'pass', output: 'up', ready: true }
    }
  }
}

function reasonOf(exit: Exit): string {
  const how = exit.signal ? `it was ended by ${exit.signal}` : `it exited with ${exit.code}`
  return `${how} at ${exit.at}, after ${Math.round(exit.upMs / 1000)} s`
}
