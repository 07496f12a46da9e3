import type { Clock } from '../clock.ts'
import { checkRange, DAY_MS } from '../ranges.ts'
import { type DrainStep, runStep, type StepResult } from './step.ts'

export interface DrainOptions {
  /**
   * How long to go on serving, not ready, so that balancers notice and send no more: their interval times their
   * threshold. Milliseconds. Default 5,000.
   */
  readyDelayMs?: number
  /** For all of it, in milliseconds: less than the time after which one is killed. Default 25,000 (Kubernetes: 30 s). */
  timeoutMs?: number
  /** What to close: one step, or several by name, which run one after another in this order. */
  close: DrainStep | Record<string, DrainStep | TimedStep>
}

/** A step with a limit of its own, so that it leaves time for those after it. */
export interface TimedStep {
  run: DrainStep
  /** Milliseconds. */
  timeoutMs: number
}

export interface DrainResult {
  /** Everything was done, nothing was cut off. */
  clean: boolean
  tookMs: number
  steps: StepResult[]
  /** A sentence for each thing that did not end by itself. */
  cutOff: string[]
}

type Steps = [name: string, step: DrainStep, timeoutMs: number][]

/** @throws RangeError for what is out of range. */
export function drainSettings({ readyDelayMs = 5_000, timeoutMs = 25_000, close }: DrainOptions): {
  readyDelayMs: number
  timeoutMs: number
  steps: Steps
} {
  checkRange('timeoutMs', timeoutMs, 1, DAY_MS)
  checkRange('readyDelayMs', readyDelayMs, 0, DAY_MS)
  if (readyDelayMs >= timeoutMs) {
    throw new RangeError(`readyDelayMs is a part of timeoutMs: ${readyDelayMs} of ${timeoutMs} leaves no time to close`)
  }
  const steps: Steps = Object.entries(typeof close === 'function' ? { close } : close).map(([name, step]) =>
    typeof step === 'function'
      ? [name, step, timeoutMs]
      : [name, step.run, checkRange(`${name}: timeoutMs`, step.timeoutMs, 1, DAY_MS)]
  )
  return { readyDelayMs, timeoutMs, steps }
}

/**
 * Stops in an order that loses nothing: not ready first, then wait, then close, in a bounded time. Never rejects.
 * @param phase told what it is doing, for those who ask
 */
export async function drain(
  { readyDelayMs, timeoutMs, steps }: ReturnType<typeof drainSettings>,
  clock: Clock,
  phase: (words: string) => void
): Promise<DrainResult> {
  const began = clock.now()
  const leftMs = () => began + timeoutMs - clock.now()
  phase(`draining: balancers are given ${readyDelayMs} ms to notice`)
  if (readyDelayMs > 0) await new Promise<void>(resolve => clock.setTimer(resolve, readyDelayMs))
  const results: StepResult[] = []
  for (const [name, step, ownMs] of steps) {
    phase(`draining: ${name}`)
    results.push(await runStep(name, step, Math.min(ownMs, leftMs()), clock))
  }
  const cutOff = results.filter(({ outcome }) => outcome !== 'done').map(sentence)
  phase(cutOff.length === 0 ? 'drained' : `drained; ${cutOff.join('; ')}`)
  return { clean: cutOff.length === 0, tookMs: Math.round(clock.now() - began), steps: results, cutOff }
}

function sentence({ name, outcome, output, tookMs }: StepResult): string {
  if (outcome === 'not begun') return `${name}: not begun, no time was left`
  return `${name}: ${outcome} after ${tookMs} ms${output === undefined ? '' : ` (${output})`}`
}
