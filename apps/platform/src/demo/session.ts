import type { Hour } from './day-curve.ts'
import { exponential, logNormal } from './distributions.ts'
import { type Feature, pickFeature, pickUser } from './product.ts'
import type { Random } from './random.ts'

export type Outcome = 'ok' | 'client_error' | 'server_error'

interface EventOf<Type extends string, Data> {
  /** A UUID of version 7 that holds the event's time. */
  id: string
  type: Type
  /** ISO 8601, UTC, milliseconds. */
  time: string
  user: { id: string }
  session: { id: string }
  data: Data
}

export type DemoEvent =
  | EventOf<'session.start' | 'session.heartbeat' | 'session.end', Record<string, never>>
  | EventOf<'feature.used', { feature: string; outcome: Outcome; durationMs: number; status: number }>

/** When something is wrong with the product: `export` and `report` fail often, and everything is slow. */
export type Incident = Hour

export interface TimedEvent {
  timeMs: number
  event: DemoEvent
}

const heartbeatMs = 60_000
const longestMs = 45 * 60_000
/** Most clients send no heartbeats, which keeps the demo small. */
const heartbeatShare = 0.25
/** The others close the lid, or lose the network. */
const endShare = 0.92
/** One more use of a feature follows with this probability: five uses a session, on average. */
const goOn = 0.8
const meanPauseMs = 35_000

/** How many events a session has, on average; what turns a rate of events into one of sessions. */
export const meanSessionEvents = 7.6

/** One visit of one user, from its start, in order of time. */
export function sessionEvents(random: Random, startMs: number, incident?: Incident): TimedEvent[] {
  const user = pickUser(random)
  const sessionId = uuid7(random, startMs)
  const events: TimedEvent[] = []
  const common = (timeMs: number) => ({
    id: uuid7(random, timeMs),
    time: new Date(timeMs).toISOString(),
    user: { id: user },
    session: { id: sessionId }
  })
  const mark = (timeMs: number, type: 'session.start' | 'session.heartbeat' | 'session.end') =>
    events.push({ timeMs, event: { ...common(timeMs), type, data: {} } })

  mark(startMs, 'session.start')
  const sendsHeartbeats = random.next() < heartbeatShare
  let nextHeartbeat = sendsHeartbeats ? startMs + heartbeatMs : Number.POSITIVE_INFINITY
  const beatUntil = (timeMs: number) => {
    for (; nextHeartbeat < timeMs; nextHeartbeat += heartbeatMs) mark(nextHeartbeat, 'session.heartbeat')
  }

  let at = startMs
  do {
    at = Math.min(at + Math.ceil(exponential(random, meanPauseMs)), startMs + longestMs)
    beatUntil(at)
    const incidentNow = incident !== undefined && at >= incident.fromMs && at < incident.toMs
    events.push({ timeMs: at, event: { ...common(at), type: 'feature.used', data: use(random, incidentNow) } })
  } while (random.next() < goOn && at < startMs + longestMs)

  const endMs = at + Math.ceil(exponential(random, meanPauseMs))
  beatUntil(endMs)
  if (random.next() < endShare) mark(endMs, 'session.end')
  return events
}

function use(random: Random, incident: boolean) {
  const feature = pickFeature(random)
  const durationMs = logNormal(random, feature.medianMs * (incident ? 3 : 1), feature.sigma)
  const status = random.next() < errorRateOf(feature, incident) ? failure(random, incident) : 200
  const outcome: Outcome = status < 400 ? 'ok' : status < 500 ? 'client_error' : 'server_error'
  // A client gives up after half a minute.
  return { feature: feature.name, outcome, durationMs: Math.min(Math.max(Math.round(durationMs), 1), 30_000), status }
}

function errorRateOf({ name, errorRate }: Feature, incident: boolean): number {
  if (!incident) return errorRate
  return name === 'export' || name === 'report' ? 0.4 : Math.min(errorRate * 12, 0.2)
}

function failure(random: Random, incident: boolean): number {
  const server = random.next() < (incident ? 0.9 : 0.4)
  const choices = server ? [500, 502, 503] : [400, 403, 404, 422]
  return choices[Math.floor(random.next() * choices.length)]!
}

/** RFC 9562, section 5.7: 48 bits of Unix milliseconds, then 74 random ones. */
function uuid7(random: Random, timeMs: number): string {
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const [a, b, c] = [random.uint32(), random.uint32(), random.uint32()]
  const time = hex(timeMs, 12)
  const head = `${time.slice(0, 8)}-${time.slice(8)}-7${hex(a & 0xfff, 3)}-${hex(0x8000 | (b & 0x3fff), 4)}`
  return `${head}-${hex(c, 8)}${hex(a >>> 16, 4)}`
}
