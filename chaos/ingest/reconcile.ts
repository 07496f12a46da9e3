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
}

/** What was found, asked from outside. */
export interface Found {
  /** Entries of clients in the log, by id. */
  ids: ReadonlyMap<string, number>
  /** Events by session, as the session itself says. */
  sessions: ReadonlyMap<string, number>
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
  const expected: Expected = { ids: new Set(), sessions: new Map(), features: new Map(), users: new Set(), entries: 0 }
  for (const delivery of deliveries) {
    if (delivery.kind === 'session') {
      expected.entries++
      add(expected.sessions, delivery.body.id)
      expected.users.add(delivery.body.user.id)
    } else {
      for (const event of delivery.events) {
        expected.entries++
        expected.ids.add(event.id)
        add(expected.sessions, event.session.id)
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
  const wrongSessions = compare('session', 'events', expected.sessions, found.sessions, differ)
  const wrongFeatures = compare('feature', 'uses', expected.features, found.features, differ)
  const { dashboard } = found
  const wrongTotals =
    Math.abs(dashboard.sessions - expected.sessions.size) + Math.abs(dashboard.users - expected.users.size)
  if (wrongTotals > 0)
    differ(
      `sent ${expected.sessions.size} sessions of ${expected.users.size} users, the dashboard has ${dashboard.sessions} of ${dashboard.users}`
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

function add(to: Map<string, number>, key: string): void {
  to.set(key, (to.get(key) ?? 0) + 1)
}
