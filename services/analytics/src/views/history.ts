import type { LogEntry } from '@plimsoll/eventlog'

/** A history of a log for tests, from a seed: sessions that go on, end, are enriched late or deleted, and their uses. */

const minute = 60_000
const day = 86_400_000
const summary = (start: number, last: number, open: 0 | 1, [tier, region]: readonly [string, string], user: string) => [
  start,
  last,
  open,
  tier,
  region,
  tier === 'unknown' ? 'unknown' : 'known',
  user
]

/** mulberry32 */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function historyOf(seed: number, { sessions = 150, users = 40, from = Date.UTC(2026, 3, 20) } = {}): LogEntry[] {
  const random = randomOf(seed)
  const below = (n: number) => Math.floor(random() * n)
  const log: LogEntry[] = []
  const write = (
    tenant: string,
    type: string,
    time: number,
    stream: string,
    subject: string,
    change: unknown,
    data: unknown = null
  ) => {
    const position = log.length + 1
    log.push({
      position,
      xid: String(100 + Math.floor(position / 7)),
      tenant,
      id: `00000000-0000-7000-8000-${position.toString(16).padStart(12, '0')}`,
      type,
      time,
      recordedAt: time,
      stream,
      subject,
      data,
      change
    })
  }
  for (let n = 0; n < sessions; n++) {
    const tenant = below(4) === 0 ? 'blog' : 'shop'
    const stream = `00000000-0000-7000-9000-${(seed * 100_000 + n).toString(16).padStart(12, '0')}`
    const user = `user-${below(users)}`
    const known = (
      [
        ['pro', 'eu'],
        ['free', 'us'],
        ['team', 'ap']
      ] as const
    )[below(3)]!
    let labels: readonly [string, string] = below(3) === 0 ? ['unknown', 'unknown'] : known
    // Over five weeks, and not in order: what happened first may be told last.
    const start = from + below(35) * day + below(1_440) * minute
    let now = summary(start, start, 1, labels, user)
    write(tenant, 'session.start', start, stream, user, [null, now])
    for (let uses = below(5), last = start; uses > 0; uses--) {
      last += (1 + below(20)) * minute
      const next = summary(start, last, 1, labels, user)
      const data = {
        feature: `feature-${below(12)}`,
        outcome: (['ok', 'ok', 'client_error', 'server_error'] as const)[below(4)],
        status: 100 + below(500),
        durationMs: below(4_000)
      }
      write(tenant, 'feature.used', last, stream, user, [now, next], data)
      now = next
    }
    const [, last] = now as [number, number]
    if (labels[0] === 'unknown' && below(4) > 0) {
      labels = known
      const next = summary(start, last, 1, labels, user)
      write(tenant, 'session.enriched', from + 40 * day, stream, user, [now, next])
      now = next
    }
    if (below(3) === 0) {
      const next = summary(start, last, 0, labels, user)
      write(tenant, 'session.end', last, stream, user, [now, next])
      now = next
    }
    if (below(12) === 0) write(tenant, 'session.delete', last, stream, user, [now, null])
  }
  return log
}

/** The history in batches of random sizes. */
export function cutAtRandom<T>(all: readonly T[], random: () => number, most: number): T[][] {
  const batches: T[][] = []
  for (let at = 0; at < all.length; ) {
    const size = 1 + Math.floor(random() * most)
    batches.push(all.slice(at, at + size))
    at += size
  }
  return batches
}
