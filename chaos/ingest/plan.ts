import { between, pick, type Random, seededRandom, shuffled } from './random.ts'

/** What a client is going to send. Pure: the same seed and the same clock make the same plan. */

export interface PlannedEvent {
  id: string
  type: 'session.start' | 'session.heartbeat' | 'session.end' | 'feature.used'
  time: string
  user: { id: string }
  session: { id: string }
  data?: { feature: string; outcome?: 'ok' | 'client_error' | 'server_error'; durationMs: number }
}

/** Some events that are sent together at first. */
export interface EventDelivery {
  kind: 'events'
  /** How far the client's clock was off when it made them, in milliseconds. */
  offsetMs: number
  /** In true time, milliseconds since 1970. */
  madeAt: number
  events: PlannedEvent[]
}

/** One `POST /v1/sessions`. */
export interface SessionDelivery {
  kind: 'session'
  offsetMs: number
  madeAt: number
  key: string
  body: { id: string; user: { id: string }; startedAt?: string; data: { by: string } }
}

export type Delivery = EventDelivery | SessionDelivery

export const features = ['soundings', 'bearings', 'log', 'tides', 'charts', 'anchor', 'pilot', 'lamp'] as const

/** A client has this many sessions at a time, and now and then one that ended long ago. */
const openSessions = 12

export interface PlanOptions {
  /** No `POST /v1/sessions`. Default false. */
  eventsOnly?: boolean
}

/** Makes one delivery after another. `now` is true time, in milliseconds since 1970; `offsetMs` is what the client's clock adds. */
export function planner(
  seed: number,
  client: string,
  { eventsOnly = false }: PlanOptions = {}
): (now: number, offsetMs: number) => Delivery {
  const random = seededRandom(seed, client)
  const sessions: { id: string; user: string }[] = []
  const visit = (ms: number) => {
    const session = { id: uuidv7(ms, random), user: `demo-user-${between(random, 1, 400)}` }
    sessions.push(session)
    if (sessions.length > openSessions) sessions.shift()
    return session
  }
  const event = (ms: number): PlannedEvent => {
    const isNew = sessions.length === 0 || random() < 0.08
    const session = isNew ? visit(ms) : pick(random, sessions)
    const type = isNew ? 'session.start' : pick(random, kinds)
    return {
      id: uuidv7(ms, random),
      type,
      time: new Date(ms).toISOString(),
      user: { id: session.user },
      session: { id: session.id },
      ...(type === 'feature.used'
        ? {
            data: {
              feature: pick(random, features),
              ...(random() < 0.3 ? { outcome: pick(random, outcomes) } : {}),
              durationMs: between(random, 1, 900)
            }
          }
        : {})
    }
  }
  return (now, offsetMs) => {
    const ms = Math.floor(now + offsetMs)
    if (!eventsOnly && random() < 0.12) {
      const { id, user } = visit(ms)
      // POST /v1/sessions takes no sent-at: a clock that is off leaves the time to the server.
      const startedAt = offsetMs === 0 && random() < 0.5 ? { startedAt: new Date(ms).toISOString() } : {}
      return {
        kind: 'session',
        offsetMs,
        madeAt: now,
        key: uuidv7(ms, random),
        body: { id, user: { id: user }, ...startedAt, data: { by: client } }
      }
    }
    const size = random() < 0.3 ? 1 : between(random, 2, 30)
    return { kind: 'events', offsetMs, madeAt: now, events: Array.from({ length: size }, () => event(ms)) }
  }
}

const kinds = ['feature.used', 'feature.used', 'feature.used', 'session.heartbeat', 'session.end'] as const
const outcomes = ['ok', 'client_error', 'server_error'] as const

/** How the same events are sent once more: in another order, and in one to three parts. */
export function resplit<T>(random: Random, events: readonly T[]): T[][] {
  const mixed = shuffled(random, events)
  const parts = Math.min(between(random, 1, 3), mixed.length)
  const size = Math.ceil(mixed.length / parts)
  return Array.from({ length: Math.ceil(mixed.length / size) }, (_, i) => mixed.slice(i * size, (i + 1) * size))
}

/** RFC 9562, version 7: 48 bits of time, the rest by chance, here by the seed's. */
export function uuidv7(ms: number, random: Random): string {
  const digits = (bits: number) =>
    Math.floor(random() * 2 ** bits)
      .toString(16)
      .padStart(bits / 4, '0')
  const time = ms.toString(16).padStart(12, '0')
  const variant = (8 + Math.floor(random() * 4)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits(12)}-${variant}${digits(12)}-${digits(24)}${digits(24)}`
}
