import { setTimeout as sleep } from 'node:timers/promises'
import { sendEvents } from '../event-sender.ts'
import { type DemoEvent, demoEvents, liveDemo } from './generator.ts'

export interface DemoRun {
  url(): string
  token: string
  project: string
  seed: number
  /** Days back from now. */
  days: number
  sessionsPerDay: number
  /** Go on with live traffic until `signal` aborts. */
  live: boolean
  signal: AbortSignal
  onProgress?(events: number, total: number | undefined): void
}

const batchSize = 500
const dayMs = 86_400_000

/** Sends the past, then lives on. What cannot be sent is tried again; the ids make that safe. */
export async function runDemo(run: DemoRun): Promise<{ accepted: number; duplicate: number }> {
  const sum = { accepted: 0, duplicate: 0 }
  const send = async (events: readonly DemoEvent[]) => {
    for (let i = 0; i < events.length; i += batchSize) {
      const sent = await sendEvents(events.slice(i, i + batchSize), {
        url: run.url,
        token: run.token,
        project: run.project,
        backfill: true
      })
      sum.accepted += sent.accepted
      sum.duplicate += sent.duplicate
      run.onProgress?.(sum.accepted + sum.duplicate, undefined)
    }
  }
  const now = Date.now()
  let batch: DemoEvent[] = []
  const past = demoEvents({
    seed: run.seed,
    from: new Date(now - run.days * dayMs),
    to: new Date(now),
    sessionsPerDay: run.sessionsPerDay
  })
  for (const event of past) {
    if (run.signal.aborted) return sum
    batch.push(event)
    if (batch.length < batchSize) continue
    await send(batch)
    batch = []
  }
  await send(batch)
  const live = liveDemo({ seed: run.seed + 1, perSecond: 4 })
  while (run.live && !run.signal.aborted) {
    await send(live.next(Date.now()))
    await sleep(1_000, undefined, { signal: run.signal }).catch(() => undefined)
  }
  return sum
}
