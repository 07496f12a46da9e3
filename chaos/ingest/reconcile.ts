import type { Delivery } from './plan.ts'

/** What must be counted when all has been delivered. */
export interface Expected {
  /** Ids of single events. The id of a session's own request is made by the server. */
  ids: Set<string>
  /** Events by session, the session's own request among them. */
  sessions: Map<string, number>
  features: Map<string, number>
  users: Set<string>
  /** Entries in the log: events and session requests. */
  entries: number
  /** When each session had events, in milliseconds since 1970: what was silent for long is more than one visit. */
  times: Map<string, number[]>
}

/** An entry of a client in the log. */
export interface LogEntry {
  id: string
  type: string
  session: string
  user: string
  feature: string | null
  /** The tag of a call of an SDK. */
  call: string | null
  /** Milliseconds since 1970. */
  recordedAt: number
}

/** What was found, asked from outside. */
export interface Found {
  /** Entries of clients in the log, by id. */
  ids: ReadonlyMap<string, number>
  /** Events by session, as the session itself says. */
  sessions: ReadonlyMap<string, number>
  /** Visits by session, as the session itself says. */
  visits: ReadonlyMap<string, number>
  /** Uses by feature, as the dashboard says. */
  features: ReadonlyMap<string, number>
  /** All entries of clients in the log. */
  entries: number
  dashboard: { sessions: number; users: number }
}

export interface Reconciled {
  /** Planned and not in the log. */
  lost: number
  /** In the log more than once, or in it and planned by nobody. */
  doubled: number
  wrongSessions: number
  wrongFeatures: number
  /** Difference of the dashboard's sessions and users to what was sent. */
  wrongTotals: number
  /** The first few differences, in words. */
  differences: string[]
}

export function expect(deliveries: Iterable<Delivery>): Expected {
  const expected: Expected = {
    ids: new Set(),
    sessions: new Map(),
    features: new Map(),
    users: new Set(),
    entries: 0,
    times: new Map()
  }
  const at = (session: string, time: number) => {
    const times = expected.times.get(session)
    if (times) times.push(time)
    else expected.times.set(session, [time])
  }
  for (const delivery of deliveries) {
    if (delivery.kind === 'session') {
      expected.entries++
      add(expected.sessions, delivery.body.id)
      at(delivery.body.id, delivery.madeAt)
      expected.users.add(delivery.body.user.id)
    } else {
      for (const event of delivery.events) {
        expected.entries++
        expected.ids.add(event.id)
        add(expected.sessions, event.session.id)
        // The server corrects a clock that is off, so that the true time counts.
        at(event.session.id, delivery.madeAt)
        if (event.data) add(expected.features, event.data.feature)
        expected.users.add(event.user.id)
      }
    }
  }
  return expected
}

/** Pure: the books of the clients against those of the platform. */
export function reconcile(expected: Expected, found: Found): Reconciled {
  const differences: string[] = []
  const differ = (what: string) => {
    if (differences.length < 20) differences.push(what)
  }
  let lost = 0
  let doubled = 0
  for (const id of expected.ids) {
    const times = found.ids.get(id) ?? 0
    if (times === 0) lost++
    else doubled += times - 1
    if (times !== 1) differ(`event ${id} is in the log ${times} times`)
  }
  // Session requests have ids that the client does not know: they are told apart by their number.
  const requests = expected.entries - expected.ids.size
  let others = 0
  for (const [id, times] of found.ids) if (!expected.ids.has(id)) others += times
  if (others !== requests) differ(`${requests} session requests were sent, ${others} entries are in the log for them`)
  lost += Math.max(0, requests - others)
  doubled += Math.max(0, others - requests)
  const visits = new Map([...expected.times].map(([session, times]) => [session, visitsOf(times)]))
  const wrongSessions =
    compare('session', 'events', expected.sessions, found.sessions, differ) +
    compare('session', 'visits', visits, found.visits, differ)
  const wrongFeatures = compare('feature', 'uses', expected.features, found.features, differ)
  const { dashboard } = found
  const allVisits = visits.values().reduce((sum, count) => sum + count, 0)
  const wrongTotals = Math.abs(dashboard.sessions - allVisits) + Math.abs(dashboard.users - expected.users.size)
  if (wrongTotals > 0)
    differ(
      `sent ${allVisits} visits of ${expected.users.size} users, the dashboard has ${dashboard.sessions} of ${dashboard.users}`
    )
  return { lost, doubled, wrongSessions, wrongFeatures, wrongTotals, differences }
}

function compare(
  what: string,
  unit: string,
  expected: ReadonlyMap<string, number>,
  found: ReadonlyMap<string, number>,
  differ: (what: string) => void
): number {
  let wrong = 0
  for (const id of new Set([...expected.keys(), ...found.keys()])) {
    if (expected.get(id) === found.get(id)) continue
    wrong++
    differ(`${what} ${id}: ${expected.get(id) ?? 0} ${unit} were sent, ${found.get(id) ?? 0} are counted`)
  }
  return wrong
}

/** After a silence of more than half an hour a session that comes back is another visit. */
const visitGapMs = 1_800_000

function visitsOf(times: readonly number[]): number {
  const inOrder = times.toSorted((a, b) => a - b)
  return inOrder.reduce((count, time, i) => count + (i > 0 && time - inOrder[i - 1]! > visitGapMs ? 1 : 0), 1)
}

export function add(to: Map<string, number>, key: string): void {
  to.set(key, (to.get(key) ?? 0) + 1)
}
