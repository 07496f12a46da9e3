import { bucketOf, partitionMs } from '@plimsoll/eventlog'
import { Compile } from 'typebox/compile'
import { FeatureEvent, SessionEvent } from '../contract.ts'
import type { Enrichment } from '../enrichment/enrichment.ts'
import { unknown } from '../enrichment/enrichment.ts'
import { limits } from '../limits.ts'
import { parseMoment } from '../moment.ts'
import { canonicalJson, digestOf } from './event-id.ts'

/** An event that may be written: checked, its time corrected for the client's clock, its texts ready. */
export interface ValidEvent {
  id: string
  type: string
  time: number
  userId: string
  sessionId: string
  /** JSON text, or null. */
  data: string | null
  digest: string
  enrichment: Enrichment
}

export interface Rejection {
  id: string | null
  code: string
  detail: string
}

export interface Judgement {
  /** Server time of receipt, in milliseconds. */
  receivedAt: number
  /** Milliseconds to add to the client's times. */
  correction: number
  backfill: boolean
  /** What is older is not kept, in milliseconds since 1970. Default: everything is. */
  keptFrom?: number
}

const session = Compile(SessionEvent)
const feature = Compile(FeatureEvent)
const sessionTypes = new Set(['session.start', 'session.heartbeat', 'session.end'])

const reject = (id: unknown, code: string, detail: string): Rejection => ({
  id: typeof id === 'string' && id.length <= 64 ? id : null,
  code,
  detail
})

/** Judges one event by itself, so that a bad one costs its neighbours nothing. */
export function validateEvent(raw: unknown, judgement: Judgement): ValidEvent | Rejection {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) {
    return reject(null, 'invalid_event', 'an event is a JSON object')
  }
  const { id, type } = raw as { id?: unknown; type?: unknown }
  const schema = type === 'feature.used' ? feature : sessionTypes.has(type as string) ? session : undefined
  if (!schema) {
    return reject(id, 'unknown_type', 'type must be session.start, session.heartbeat, session.end or feature.used')
  }
  if (!schema.Check(raw)) return reject(id, 'invalid_event', firstError(schema, raw))
  const event = raw as {
    id: string
    type: string
    time: string
    user: { id: string }
    session: { id: string }
    data?: object
  }

  const said = parseMoment(event.time)
  if (said === undefined) return reject(id, 'invalid_event', `/time "${event.time}" is not a moment of the calendar`)
  const time = said + judgement.correction
  const untimely = judgeTime(time, judgement)
  if (untimely) return reject(id, untimely.code, untimely.detail)
  // The key of an id whose partition is gone would not be met, and it would count again.
  if (judgement.keptFrom !== undefined && latestOf(event.id) < judgement.keptFrom) {
    return reject(id, 'too_old', 'the time in the id is older than what is kept here (keepEventsDays)')
  }
  if (!storable(event.user.id))
    return reject(id, 'invalid_text', '/user/id has a character that cannot be stored (NUL or half a pair)')

  let data: string | null = null
  let canonicalData = ''
  if (event.data !== undefined) {
    const problem = dataProblem(event.data, 1)
    if (problem) return reject(id, problem.code, problem.detail)
    data = JSON.stringify(event.data)
    if (data.length > limits.eventBytes / 4 && Buffer.byteLength(data) + 400 > limits.eventBytes) {
      return reject(id, 'event_too_large', `an event is at most ${limits.eventBytes} bytes of JSON`)
    }
    canonicalData = canonicalJson(event.data)
  }
  const digest = digestOf(
    `${event.type}\n${said}\n${event.session.id.toLowerCase()}\n${event.user.id}\n${canonicalData}`
  )
  return {
    id: event.id.toLowerCase(),
    type: event.type,
    time,
    userId: event.user.id,
    sessionId: event.session.id.toLowerCase(),
    data,
    digest,
    enrichment: unknown
  }
}

/** Why a time, corrected for the client's clock, is not taken; undefined when it is. */
export function judgeTime(
  time: number,
  { receivedAt, backfill, keptFrom }: Judgement
): { code: string; detail: string } | undefined {
  if (time > receivedAt + limits.earlyMs) {
    return {
      code: 'time_in_future',
      detail: 'the time is more than 5 minutes ahead; send X-Sent-At so that a wrong clock can be corrected'
    }
  }
  if (time < limits.earliest) return { code: 'too_old', detail: 'the time is before 1970' }
  if (!backfill && time < receivedAt - limits.lateMs) {
    return {
      code: 'too_old',
      detail: 'the time is more than 34 days ago; use a key that may backfill and X-Plimsoll-Backfill: 1'
    }
  }
  if (keptFrom !== undefined && time < keptFrom) {
    return { code: 'too_old', detail: 'the time is older than what is kept here (keepEventsDays)' }
  }
  return undefined
}

/** The end of the partition of an id; ids without a time in them are kept for ever. */
function latestOf(id: string): number {
  const bucket = bucketOf(id)
  return bucket < 0 ? Number.POSITIVE_INFINITY : (bucket + 1) * partitionMs - 1
}

export function isRejection(judged: ValidEvent | Rejection): judged is Rejection {
  return 'code' in judged
}

/** PostgreSQL's text and jsonb hold neither NUL nor half a surrogate pair. */
export function storable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

function dataProblem(value: unknown, depth: number): { code: string; detail: string } | undefined {
  if (typeof value === 'string') {
    return storable(value)
      ? undefined
      : { code: 'invalid_text', detail: '/data has a character that cannot be stored (NUL or half a pair)' }
  }
  if (value === null || typeof value !== 'object') return undefined
  if (depth > limits.dataDepth)
    return { code: 'data_too_deep', detail: `/data is nested more than ${limits.dataDepth} deep` }
  if (Array.isArray(value)) {
    for (const item of value) {
      const problem = dataProblem(item, depth + 1)
      if (problem) return problem
    }
    return undefined
  }
  for (const key of Object.keys(value)) {
    const problem = dataProblem(key, depth) ?? dataProblem((value as Record<string, unknown>)[key], depth + 1)
    if (problem) return problem
  }
  return undefined
}

function firstError(schema: typeof session | typeof feature, raw: object): string {
  const error = schema.Errors(raw)[0]
  if (!error) return 'the event does not fit its schema'
  // The path may hold a name of the client's, of any length.
  const path = (error.instancePath || '/').slice(0, 100)
  return `${path} ${error.keyword === 'boolean' ? 'is not a property of this event' : error.message}`
}
