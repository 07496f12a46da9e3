import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

export interface SendOptions {
  /** Asked at each try, because a platform that restarts may come back elsewhere. */
  url(): string
  token: string
  project: string
  /** The events may be of any age. */
  backfill: boolean
  /** How long to go on trying while the platform is away, in milliseconds. Default 60,000. */
  patienceMs?: number
  now?(): number
  random?(): number
}

export interface SentBatch {
  accepted: number
  duplicate: number
  /** Index in the batch, and why. */
  rejected: { index: number; code: string; detail: string }[]
}

/** The platform refused a whole request for a reason that trying again cannot mend, or was away for too long. */
export class SendError extends Error {
  override name = 'SendError'
}

/**
 * Sends one batch until it is answered. Trying again is safe: events are counted by their id, so what a lost answer had
 * already written comes back as a duplicate.
 */
export async function sendEvents(events: readonly unknown[], options: SendOptions): Promise<SentBatch> {
  const { patienceMs = 60_000, now = Date.now, random = Math.random } = options
  const body = gzipSync(JSON.stringify(events), { level: 1 })
  const until = now() + patienceMs
  for (let attempt = 0; ; attempt++) {
    let waitMs = Math.min(2_000, 100 * 2 ** attempt) * random()
    let why: string
    try {
      const response = await fetch(`${options.url()}/v1/events`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${options.token}`,
          'x-plimsoll-project': options.project,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
          ...(options.backfill ? { 'x-plimsoll-backfill': '1' } : {})
        },
        body,
        signal: AbortSignal.timeout(30_000)
      })
      const answer = (await response.json()) as { results?: Result[]; code?: string; detail?: string }
      if (response.ok) return tally(answer.results!)
      why = `${response.status} ${answer.code}: ${answer.detail}`
      if (response.status < 500 && response.status !== 429 && response.status !== 408) throw new SendError(why)
      // Never before it was asked to, and not all at that very moment.
      waitMs += Number(response.headers.get('retry-after') ?? 0) * 1_000
    } catch (error) {
      if (error instanceof SendError) throw error
      why = (error as Error).message
    }
    if (now() + waitMs > until) throw new SendError(`gave up after ${Math.round(patienceMs / 1000)} s: ${why}`)
    await sleep(waitMs)
  }
}

interface Result {
  result: string
  code?: string
  detail?: string
}

function tally(results: Result[]): SentBatch {
  const sent: SentBatch = { accepted: 0, duplicate: 0, rejected: [] }
  results.forEach(({ result, code = 'rejected', detail = '' }, index) => {
    if (result === 'accepted') sent.accepted++
    else if (result === 'duplicate') sent.duplicate++
    else sent.rejected.push({ index, code, detail })
  })
  return sent
}
