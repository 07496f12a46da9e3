import { constants } from 'node:os'
import type { Health } from '../health.ts'
import { type DrainOptions, type DrainResult, drainSettings } from './drain.ts'

export interface SignalOptions extends DrainOptions {
  /** Default SIGTERM and SIGINT. */
  signals?: readonly NodeJS.Signals[]
  /** Told how it went, just before the exit. */
  onDrained?: (result: DrainResult) => void
  /** Default `process.exit`. */
  exit?: (code: number) => void
}

/**
 * Drains at the first signal, closes the health server and exits: 0 when it was clean, 1 when something was cut off. A
 * second signal exits at once, with 128 and its number. Returns the way to take the signals no more.
 *
 * Signals are heard on the main thread: while it is stuck, only SIGKILL ends the process.
 * @throws RangeError for settings out of range.
 */
export function drainOnSignals(health: Health, options: SignalOptions): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], onDrained, exit = code => process.exit(code), ...drain } = options
  drainSettings(drain)
  let draining = false
  const heard = (signal: NodeJS.Signals) => {
    if (draining) {
      exit(128 + constants.signals[signal])
      return
    }
    draining = true
    void drainAndExit(health, drain, onDrained, exit)
  }
  for (const signal of signals) process.on(signal, heard)
  return () => {
    for (const signal of signals) process.off(signal, heard)
  }
}

async function drainAndExit(
  health: Health,
  options: DrainOptions,
  onDrained: SignalOptions['onDrained'],
  exit: (code: number) => void
): Promise<void> {
  let code = 1
  try {
    const result = await health.drain(options)
    code = result.clean ? 0 : 1
    onDrained?.(result)
  } catch {
    // The listener threw: what matters now is to end.
  }
  await health.close()
  exit(code)
}
