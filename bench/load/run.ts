import { type ChildProcess, fork } from 'node:child_process'
import { histogram } from '@plimsoll/sketches'
import type { LoadOrder, LoadReport } from './process.ts'

export type { LoadOrder, LoadReport } from './process.ts'

export interface RunningLoad {
  done: Promise<LoadReport>
  stop(): void
}

/** Starts a load in a process of its own. */
export function startLoad(order: LoadOrder): RunningLoad {
  const child: ChildProcess = fork(new URL('./process.ts', import.meta.url).pathname, [], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const done = new Promise<LoadReport>((resolve, reject) => {
    child.once('message', report => resolve(report as LoadReport))
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`the load generator exited with ${code} before its report`)))
  })
  child.send(order)
  return { done, stop: () => child.kill() }
}

export interface During {
  /** Requests answered 2xx a second, and events in them. */
  perSecond: number
  eventsPerSecond: number
  /** Of all answers, in milliseconds. */
  p50: number
  p99: number
  /** Of the answers that were 2xx. */
  okP99: number
}

/** What happened from second `from` to before second `to` of a run. */
export function during(report: LoadReport, from: number, to: number): During {
  const seconds = report.perSecond.slice(from, to)
  const merged = (of: 'latency' | 'okLatency') => {
    const all = histogram.empty()
    for (const second of seconds) histogram.merge(all, histogram.decode(Buffer.from(second[of], 'base64')))
    return all
  }
  const rate = (of: 'ok' | 'events') =>
    seconds.length === 0 ? 0 : seconds.reduce((sum, second) => sum + second[of], 0) / seconds.length
  const all = merged('latency')
  return {
    perSecond: rate('ok'),
    eventsPerSecond: rate('events'),
    p50: histogram.quantile(all, 0.5) ?? 0,
    p99: histogram.quantile(all, 0.99) ?? 0,
    okP99: histogram.quantile(merged('okLatency'), 0.99) ?? 0
  }
}

export const runLoad = (order: LoadOrder): Promise<LoadReport> => startLoad(order).done
