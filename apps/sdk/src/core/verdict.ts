import type { Answer, Queued, Settled } from './ports.ts'

/** What an answer means for the batch it is about. */
export type Verdict =
  /** Judged one by one. `again` when some are to be sent again. */
  | { kind: 'judged'; settled: Settled[]; again: boolean }
  /** Something in the batch makes the whole of it unreadable or too large. */
  | { kind: 'bad'; reason: string }
  /** Not now. */
  | { kind: 'later' }
  /** Not as this client is set up: a wrong key, a wrong address. */
  | { kind: 'refused' }

interface Result {
  id: string | null
  result: string
  code?: string
}

export function judge({ status, body }: Answer, batch: readonly Queued[]): Verdict {
  if (status === 200) {
    const results = (body as { results?: Result[] } | undefined)?.results
    // A 200 of something else, a captive portal say, is no answer at all.
    if (!Array.isArray(results)) return { kind: 'later' }
    const waiting = new Set(batch.map(event => event.id))
    const settled: Settled[] = []
    for (const { id, result, code } of results) {
      if (!id || !waiting.has(id)) continue
      if (result === 'accepted' || result === 'duplicate') settled.push([id])
      else if (result === 'rejected') settled.push([id, reasonOf('rejected', code)])
      else continue
      waiting.delete(id)
    }
    return { kind: 'judged', settled, again: waiting.size > 0 }
  }
  if (status === 400 || status === 413 || status === 422) {
    return { kind: 'bad', reason: reasonOf('rejected', (body as { code?: string } | undefined)?.code ?? `${status}`) }
  }
  return { kind: status > 400 && status < 500 && status !== 408 && status !== 429 ? 'refused' : 'later' }
}

/** A reason as the contract takes it. */
export const reasonOf = (kind: string, code: unknown): string =>
  `${kind}:${code}`
    .toLowerCase()
    .replace(/[^a-z0-9_:.-]/g, '_')
    .slice(0, 64)
