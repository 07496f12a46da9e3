import { Board } from './board/board.ts'
import { boardText } from './board/details.ts'
import { CheckRunner } from './checks/runner.ts'
import { monotonicMs } from './clock.ts'
import { type DrainOptions, type DrainResult, drain, drainSettings } from './drain/drain.ts'
import { Pulse } from './pulse/pulse.ts'
import { type HealthOptions, healthSettings } from './settings.ts'
import { look } from './thread/look.ts'
import { HealthThread } from './thread/thread.ts'
import type { HealthDocument } from './verdict/document.ts'
import { report } from './verdict/verdict.ts'

/** What a service holds to tell how it is. It keeps no process alive. */
export interface Health {
  /** Where it answers, as `http://127.0.0.1:9000`. */
  readonly url: string
  readonly port: number
  /** The service has started, and wants traffic unless `ready(false)` says otherwise. */
  started(): void
  /** Whether the service wants traffic, for reasons of its own; `reason` is shown. */
  ready(isReady: boolean, reason?: string): void
  /** Not ready from now on; waits, closes, and tells what was cut off. A second call gives the first one's result. */
  drain(options: DrainOptions): Promise<DrainResult>
  /** What `/health/report` says, for metrics; made in the calling thread. */
  report(): HealthDocument
  /** Ends the checks, the beat, the thread and its socket. May be called twice. */
  close(): Promise<void>
}

/**
 * Starts a thread that answers `/health`, `/ready`, `/startup` and `/health/report` from shared memory, on a socket of
 * its own. Call it first thing, so that it can tell of a start that does not end.
 * @throws RangeError for settings out of range, HealthListenError when the address cannot be taken.
 */
export async function startHealth(options: HealthOptions): Promise<Health> {
  const { port, host, checks, server, onError, background, clock } = healthSettings(options)
  const board = new Board()
  let notReady = ''
  const publish = () => {
    board.details = { notReady, checks: runners.map(({ view }) => view) }
  }
  const runners = checks.map(check => new CheckRunner(check, background, monotonicMs, publish))
  const change = (state: Partial<Board['state']>, reason: string) => {
    notReady = boardText(reason)
    publish()
    board.state = { ...board.state, ...state }
  }
  change({ started: false, ready: true, draining: false }, '')

  const pulse = new Pulse(board, server.stuckAfterMs)
  let thread: HealthThread
  try {
    thread = await HealthThread.start({
      board,
      host,
      port,
      settings: server,
      clock: background,
      onError: told(onError)
    })
  } catch (error) {
    pulse.stop()
    throw error
  }
  for (const runner of runners) runner.start()

  let drained: Promise<DrainResult> | undefined
  let closed: Promise<void> | undefined
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${thread.port}`,
    get port() {
      return thread.port
    },
    started() {
      board.state = { ...board.state, started: true }
    },
    ready(isReady, reason = 'the service asks for no traffic') {
      if (drained === undefined) change({ ready: isReady }, isReady ? '' : reason)
    },
    drain(drainOptions) {
      const settings = drainSettings(drainOptions)
      drained ??= drain(settings, clock, words => change({ draining: true }, words))
      return drained
    },
    report: () =>
      report(
        look(board, (lastBeatMs, nowMs) => Math.max(0, nowMs - lastBeatMs)),
        server
      ),
    close() {
      closed ??= (async () => {
        pulse.stop()
        for (const runner of runners) runner.stop()
        await thread.close()
      })()
      return closed
    }
  }
}

/** Whoever is told must not bring down the one who tells. */
function told<E>(listener: (error: E) => void): (error: E) => void {
  return error => {
    try {
      listener(error)
    } catch {
      // The error was about the health thread; a listener that cannot hear it changes nothing there.
    }
  }
}
