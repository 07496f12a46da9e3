import Type, { type Static } from 'typebox'
import { limits } from './limits.ts'
import { rfc3339 } from './moment.ts'

/** The HTTP contract of the write side. Times are ISO 8601 with an offset; answers are in UTC with milliseconds. */

const uuid = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$'
export const Uuid = Type.String({
  pattern: uuid,
  description: 'A UUID; version 7 is best, its time keeps the index compact.'
})
export const Time = Type.String({
  pattern: rfc3339.source,
  description: 'RFC 3339, as 2026-01-02T03:04:05.678Z'
})
export const UserId = Type.String({ minLength: 1, maxLength: limits.userIdChars })
const User = Type.Object({ id: UserId }, { additionalProperties: false })

const common = { id: Uuid, time: Time, user: User, session: Type.Object({ id: Uuid }, { additionalProperties: false }) }
const FreeData = Type.Object({}, { additionalProperties: true })

export const outcomes = ['ok', 'client_error', 'server_error'] as const

export const FeatureData = Type.Object(
  {
    feature: Type.String({ minLength: 1, maxLength: limits.featureChars }),
    outcome: Type.Optional(Type.Union(outcomes.map(o => Type.Literal(o)))),
    durationMs: Type.Optional(Type.Number({ minimum: 0, maximum: 86_400_000 })),
    status: Type.Optional(Type.Integer({ minimum: 100, maximum: 599 }))
  },
  { additionalProperties: true }
)

export const SessionEvent = Type.Object(
  {
    ...common,
    type: Type.Union([Type.Literal('session.start'), Type.Literal('session.heartbeat'), Type.Literal('session.end')]),
    data: Type.Optional(FreeData)
  },
  { additionalProperties: false }
)
export const FeatureEvent = Type.Object(
  { ...common, type: Type.Literal('feature.used'), data: FeatureData },
  { additionalProperties: false }
)

/** One event as a client sends it. The session types are OpenTelemetry's names; the heartbeat and feature.used are ours. */
export const Event = Type.Union([SessionEvent, FeatureEvent])
export type Event = Static<typeof SessionEvent> | Static<typeof FeatureEvent>

export const EventResult = Type.Object({
  id: Type.Union([Type.String(), Type.Null()], { description: 'null when the event had no readable id' }),
  result: Type.Union(['accepted', 'duplicate', 'rejected', 'retry'].map(r => Type.Literal(r))),
  code: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String())
})
export type EventResult = {
  id: string | null
  result: 'accepted' | 'duplicate' | 'rejected' | 'retry'
  code?: string
  detail?: string
}

export const EventsAnswer = Type.Object({
  results: Type.Array(EventResult),
  receivedAt: Type.String({ format: 'date-time' })
})

export const LookupQuestion = Type.Object(
  { ids: Type.Array(Uuid, { minItems: 1, maxItems: limits.events }) },
  { additionalProperties: false }
)
export type Lookup = Static<typeof LookupQuestion>

export const LookupAnswer = Type.Object({
  receipts: Type.Array(
    Type.Object({
      id: Type.String(),
      state: Type.Union([Type.Literal('accepted'), Type.Literal('unknown')]),
      recordedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()])
    })
  )
})

/** What a client lost before it could be sent: counts by reason, and the time they are about. */
export const LossReport = Type.Object(
  {
    id: Uuid,
    since: Time,
    until: Time,
    losses: Type.Record(
      Type.String({ pattern: '^[a-z0-9_:.-]{1,64}$' }),
      Type.Integer({ minimum: 0, maximum: 1_000_000_000 }),
      { minProperties: 1, maxProperties: 50, additionalProperties: false }
    )
  },
  { additionalProperties: false }
)
export type LossReport = Static<typeof LossReport>

export const LossReportAnswer = Type.Object({
  result: Type.Union([Type.Literal('accepted'), Type.Literal('duplicate')])
})

export const NewSession = Type.Object(
  {
    id: Type.Optional(Uuid),
    user: User,
    startedAt: Type.Optional(Time),
    data: Type.Optional(FreeData)
  },
  { additionalProperties: false }
)
export type NewSession = Static<typeof NewSession>

const Label = Type.String({ pattern: '^[a-z0-9_-]{1,32}$' })

export const PutSession = Type.Object(
  {
    user: Type.Optional(User),
    startedAt: Type.Optional(Time),
    endedAt: Type.Optional(Type.Union([Time, Type.Null()])),
    tier: Type.Optional(Label),
    region: Type.Optional(Label)
  },
  { additionalProperties: false }
)
export type PutSession = Static<typeof PutSession>

export const EnrichmentAnswer = Type.Union([
  Type.Object({ tier: Type.String(), region: Type.String(), flags: Type.Record(Type.String(), Type.Boolean()) }),
  Type.Literal('absent', { description: 'asked, and the directory does not have this user' }),
  Type.Literal('unknown', { description: 'could not be asked; it will be, by itself' })
])

export const SessionAnswer = Type.Object({
  id: Type.String(),
  user: Type.Object({ id: Type.String() }),
  startedAt: Type.String({ format: 'date-time' }),
  lastActivityAt: Type.String({ format: 'date-time' }),
  endedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description:
      'its session.end, or its last activity once nothing was heard of it for 30 minutes; null while it goes on'
  }),
  events: Type.Integer(),
  visits: Type.Integer({
    minimum: 1,
    description: 'activity without a gap of more than 30 minutes is one visit; each counts as a session in the figures'
  }),
  enrichment: EnrichmentAnswer
})
export type SessionAnswer = Static<typeof SessionAnswer>

export const NewKey = Type.Object({ backfill: Type.Optional(Type.Boolean()) }, { additionalProperties: false })
export const KeyAnswer = Type.Object({
  project: Type.String(),
  id: Type.String(),
  key: Type.String(),
  backfill: Type.Boolean()
})

/** Times are RFC 3339; `revokedAt` is null for a key that is good. */
export const KeyList = Type.Object({
  keys: Type.Array(
    Type.Object({
      id: Type.String(),
      backfill: Type.Boolean(),
      createdAt: Type.String(),
      revokedAt: Type.Union([Type.String(), Type.Null()])
    })
  )
})

export const ProjectName = Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}$' })
