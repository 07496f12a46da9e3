import { existsSync } from 'node:fs'
import { DataDirectory } from '@plimsoll/platform/local'
import type { LedgerAnswer } from '@plimsoll/service-telemetry/ledger-contract'
import { Client, type ClientOptions } from '../client.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { print } from '../output.ts'

interface WatcherState {
  phase: string
  restarts: number
  verdict: { status: string; output: string; ready: boolean }
  known: { breaker: string; lagMs: number; pendingWrites: number; spooled: number; rssBytes: number } | undefined
}

/** `plimsoll status`: asks the watcher first, which answers even when the platform cannot. Exit 1 when it is not well. */
export async function status(options: ClientOptions & { json: boolean }): Promise<void> {
  const watcher = existsSync(options.data) ? new DataDirectory(options.data).readWatcher() : undefined
  if (!watcher) throw new CommandError(`no platform has run in ${options.data}; start one with \`npm start\``)
  let state: WatcherState
  try {
    const response = await fetch(`${watcher.url}/state.json`, { signal: AbortSignal.timeout(3_000) })
    state = (await response.json()) as WatcherState
  } catch {
    print(options.json, { up: false, detail: 'neither the platform nor its watcher runs' }, () => [
      'down: neither the platform nor its watcher runs'
    ])
    process.exitCode = exitCodes.failed
    return
  }
  const ledger = await new Client(options).get<LedgerAnswer>('/v1/ledger').catch(() => undefined)
  print(options.json, { up: state.verdict.ready, ...state, ledger }, () => [
    `${state.verdict.status}: ${state.verdict.output} (restarts ${state.restarts})`,
    ...(state.known
      ? [
          `breaker ${state.known.breaker}, ${state.known.pendingWrites} writes waiting, ${state.known.spooled} events spooled, read side ${Math.round(state.known.lagMs)} ms behind, ${Math.round(state.known.rssBytes / 1e6)} MB`
        ]
      : []),
    ...(ledger
      ? [
          `books of ${options.project}: ${ledger.accepted} accepted, ${ledger.pending ?? '?'} pending, ${ledger.balanced ? 'balanced' : 'NOT BALANCED'}`
        ]
      : [])
  ])
  if (!state.verdict.ready) process.exitCode = exitCodes.failed
}
