/** Everything the door bounds, in one place. Sizes in bytes, times in milliseconds. */
export const limits = {
  events: 500,
  wireBytes: 1_000_000,
  decodedBytes: 5_000_000,
  eventBytes: 32_000,
  /** Events older than this are refused, unless the key may backfill. */
  lateMs: 34 * 86_400_000,
  /** The earliest time there is, backfill or not: 1970. */
  earliest: 0,
  /** Events this far ahead of the server are refused. */
  earlyMs: 5 * 60_000,
  /** A client's clock is corrected when it is further off than this. */
  skewMs: 5_000,
  dataDepth: 16,
  userIdChars: 200,
  featureChars: 120,
  /** Visits of one session id: a year of one every half hour. */
  visits: 20_000,
  /** How long an answer may wait for enrichment. */
  enrichmentMs: 100,
  /** Beyond this expected wait for a commit a project with more than its part of the queue is refused. */
  softWaitMs: 250,
  /** Beyond this everybody is. */
  hardWaitMs: 500,
  /** How long a request may take from its arrival; less when its X-Request-Deadline says so. */
  requestMs: 10_000
} as const
