import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'

export interface TestRun {
  /** How many files run at a time. */
  concurrency: number
  /** A file that takes longer, in milliseconds, is stopped and has failed. */
  fileTimeoutMs: number
  env: NodeJS.ProcessEnv
  /** Stops everything that still runs. */
  signal: AbortSignal
}

/**
 * Runs test files and yields the runner's events, file by file as they end, then one set of closing totals.
 *
 * Each file is a run of its own: the runner's `timeout` option does not stop a file whose tests are done but whose
 * process stays alive (an open handle), or which never reaches a test. A signal of its own stops both.
 */
export async function* runFiles(files: string[], options: TestRun): AsyncGenerator<TestEvent> {
  const began = performance.now()
  const totals = new Map<string, number>()
  for await (const events of inTurn(files, options)) {
    for (const event of events) {
      if (event.type === 'test:summary' && event.data.file === undefined) continue
      const total = event.type === 'test:diagnostic' && event.data.file === undefined && totalOf(event.data.message)
      if (!total) yield event
      else totals.set(total.name, (totals.get(total.name) ?? 0) + total.count)
    }
  }
  totals.set('duration_ms', Math.round(performance.now() - began))
  for (const [name, count] of totals) {
    yield { type: 'test:diagnostic', data: { nesting: 0, message: `${name} ${count}`, level: 'info' } }
  }
}

/** The events of each file, whole, in the order in which the files end. */
async function* inTurn(files: string[], options: TestRun): AsyncGenerator<TestEvent[]> {
  const waiting = files.values()
  const running = new Map<string, Promise<{ file: string; events: TestEvent[] }>>()
  do {
    for (const file of waiting.take(options.concurrency - running.size)) {
      running.set(
        file,
        eventsOf(file, options).then(events => ({ file, events }))
      )
    }
    const { file, events } = await Promise.race(running.values())
    running.delete(file)
    yield events
  } while (running.size > 0)
}

async function eventsOf(file: string, { env, signal, fileTimeoutMs }: TestRun): Promise<TestEvent[]> {
  const stop = AbortSignal.any([signal, AbortSignal.timeout(fileTimeoutMs)])
  const events: TestEvent[] = []
  for await (const event of run({ files: [file], env, signal: stop })) events.push(event as TestEvent)
  return events
}

function totalOf(message: string): { name: string; count: number } | undefined {
  const [, name, count] = /^(\w+) (\d+(?:\.\d+)?)$/.exec(message) ?? []
  return name === undefined ? undefined : { name, count: Number(count) }
}
