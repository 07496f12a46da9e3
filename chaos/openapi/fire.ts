import type { Books } from './books.ts'
import { bytesOf, type Draft } from './draft.ts'
import { codeOf, type Fault, faultOf, isRefusalForNow, isSlow } from './judge.ts'
import type { KeptFault, Tally } from './tally.ts'
import { type Shot, wholeBytes } from './ways.ts'
import { type Answer, NoAnswer, type Wire } from './wire.ts'

/** A request that has less for its answer, in milliseconds, or does not make itself clear, is hasty. */
const hastyMs = 1_000

export interface Range {
  tally: Tally
  books: Books
  /** Puts the secrets in. */
  fill(text: string): string
  /** Is told of each fault that is new. */
  onFault(fault: KeptFault): void
}

/**
 * What a route reads at most, in bytes: batches of events a megabyte, all others little. The platform refuses a larger body unread and closes, and a client that is still writing
 * may then see the connection cut before it sees the refusal (RFC 9112, section 9.6).
 */
const mostRead = ({ path }: Draft) => (path.startsWith('/v1/events') ? 1_000_000 : 100_000)

/** Sends one shot and judges what comes back. */
export async function fire(shot: Shot, wire: Wire, range: Range): Promise<void> {
  const { way, drafts, cut } = shot
  const { tally, fill } = range
  tally.sent(way, Math.max(1, drafts.length))
  if (shot.noise) return noAnswerNeeded(wire.exchange([shot.noise], ['GET'], true))
  const whole = Buffer.concat(drafts.map(draft => wholeBytes(draft, fill)))
  const at = Math.floor(whole.length * cut)
  if (way === 'left without waiting') return wire.leave(whole)
  if (way === 'cut short') {
    const half = whole.subarray(0, at)
    return cut < 0.5 ? wire.leave(half) : noAnswerNeeded(wire.exchange([half], ['GET'], true))
  }
  const pieces = way === 'in pieces' ? [whole.subarray(0, at), whole.subarray(at)] : [whole]
  try {
    const answers = await wire.exchange(
      pieces,
      drafts.map(({ method }) => method),
      way === 'half closed'
    )
    for (const [n, answer] of answers.entries()) judge(shot, drafts[n]!, answer, range)
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    silence(shot, error, range)
  } finally {
    // Where the server thinks that such a request ends is not where the next one begins.
    if (!drafts.every(({ isHttp }) => isHttp)) wire.close()
  }
}

/** Bytes that are no request may be answered or not. */
async function noAnswerNeeded(exchange: Promise<unknown>): Promise<void> {
  await exchange.catch((error: unknown) => {
    if (!(error instanceof NoAnswer)) throw error
  })
}

function judge({ index }: Shot, draft: Draft, answer: Answer, { tally, books, onFault }: Range): void {
  tally.answered(draft, answer)
  books.answered(draft, answer)
  // A client that leaves the platform next to no time gets what it asked for.
  const hasty = draft.headers.some(([name, value]) => name === 'x-request-deadline' && !(Number(value) >= hastyMs))
  const note = (fault: Fault) => {
    const kept = tally.fault(fault, draft, index, answer)
    if (kept) onFault(kept)
  }
  if (isRefusalForNow(draft.operation, answer) && !(hasty && isSlow(answer)))
    note({ kind: 'refusal', detail: codeOf(answer) })
  const fault = faultOf({ ...draft, hasty, ...(draft.isHttp ? {} : { operation: undefined }) }, answer)
  if (fault) note(fault)
}

function silence({ index, drafts, way }: Shot, error: Error, { tally, books, onFault }: Range): void {
  for (const draft of drafts) books.unanswered(draft)
  const first = drafts[0]!
  // Node's server takes the end of what a client sends for its leaving.
  if (way === 'half closed' || !drafts.every(({ isHttp }) => isHttp)) return
  if (drafts.some(draft => bytesOf(draft).body.length > mostRead(draft))) {
    tally.cutOff++
    return
  }
  const kept = tally.fault({ kind: 'silence', detail: `${way}: ${error.message}` }, first, index)
  if (kept) onFault(kept)
}
