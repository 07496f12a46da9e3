/** What a client was answered. Plain data, so that a child process can send it. */
export interface Tally {
  requests: number
  /** No answer, half of one, or a closed door. */
  unanswered: number
  statuses: Record<string, number>
  accepted: number
  duplicates: number
  /** Final answers that were neither: there should be none. */
  rejected: number
  /** An event that was answered `accepted` twice, or again after it had a final answer, and was in the log. */
  acceptedTwice: number
  /** Answers that do not fit the request. */
  wrongAnswers: number
  /** Each 2xx: when it came (milliseconds since 1970), and how long it took. */
  acks: [at: number, ms: number][]
  /** The first few surprises, in words. */
  surprises: string[]
}

export function newTally(): Tally {
  return {
    requests: 0,
    unanswered: 0,
    statuses: {},
    accepted: 0,
    duplicates: 0,
    rejected: 0,
    acceptedTwice: 0,
    wrongAnswers: 0,
    acks: [],
    surprises: []
  }
}

export function surprise(tally: Tally, what: string): void {
  if (tally.surprises.length < 10) tally.surprises.push(what.slice(0, 300))
}

export function sumOf(tallies: readonly Tally[]): Tally {
  const sum = newTally()
  for (const tally of tallies) {
    sum.requests += tally.requests
    sum.unanswered += tally.unanswered
    sum.accepted += tally.accepted
    sum.duplicates += tally.duplicates
    sum.rejected += tally.rejected
    sum.acceptedTwice += tally.acceptedTwice
    sum.wrongAnswers += tally.wrongAnswers
    for (const [status, count] of Object.entries(tally.statuses))
      sum.statuses[status] = (sum.statuses[status] ?? 0) + count
    for (const ack of tally.acks) sum.acks.push(ack)
    for (const line of tally.surprises) surprise(sum, line)
  }
  sum.acks.sort((a, b) => a[0] - b[0])
  return sum
}
