import Type, { type Static } from 'typebox'

/** The HTTP contract of users, and the events that others follow. Times are ISO 8601 in UTC with milliseconds. */

export const UserId = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._:|-]{0,99}$',
  description: 'An id stays when its user is erased: so it is opaque, and no address (it has no @).'
})
const Email = Type.String({
  pattern: '^[^\\s@\\u0000-\\u001f\\u007f-\\u009f]{1,64}@[^\\s@\\u0000-\\u001f\\u007f-\\u009f]{1,185}$',
  description: 'Something, an @, and something. Personal: it is kept sealed.'
})
const Name = Type.String({
  pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]{1,200}$',
  description: 'Personal: it is kept sealed.'
})
const Label = Type.String({ pattern: '^[a-z0-9_-]{1,32}$' })
const flagName = '^[A-Za-z0-9_.-]{1,64}$'
const Flags = Type.Record(Type.String({ pattern: flagName }), Type.Boolean(), {
  maxProperties: 64,
  additionalProperties: false
})
export type Flags = Record<string, boolean>
const Reason = Type.String({
  pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]{1,500}$',
  description: 'Why, for the history. Kept sealed: people write names into reasons.'
})

export const UserParams = Type.Object({ id: UserId })

export const Registration = Type.Object(
  {
    id: Type.Optional(UserId),
    email: Email,
    name: Type.Optional(Type.Union([Name, Type.Null()])),
    plan: Label,
    region: Label,
    flags: Type.Optional(Flags),
    reason: Type.Optional(Reason)
  },
  { additionalProperties: false }
)
export type Registration = Static<typeof Registration>

/** What is left out stays. A flag that is null is taken away (RFC 7396). */
export const Change = Type.Object(
  {
    email: Type.Optional(Email),
    name: Type.Optional(Type.Union([Name, Type.Null()])),
    plan: Type.Optional(Label),
    region: Type.Optional(Label),
    flags: Type.Optional(
      Type.Record(Type.String({ pattern: flagName }), Type.Union([Type.Boolean(), Type.Null()]), {
        maxProperties: 64,
        additionalProperties: false
      })
    ),
    reason: Type.Optional(Reason)
  },
  { additionalProperties: false, minProperties: 1 }
)
export type Change = Static<typeof Change>

export const Time = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\d[Tt]\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?([Zz]|[+-]\\d\\d:\\d\\d)$',
  description: 'RFC 3339, as 2026-01-02T03:04:05.678Z'
})
export const MomentQuery = Type.Object({ at: Type.Optional(Time) })

const Version = Type.Integer({ minimum: 1 })

export const UserAnswer = Type.Object({
  id: Type.String(),
  version: Version,
  email: Type.Union([Type.String(), Type.Null()], { description: 'null once the user is erased' }),
  name: Type.Union([Type.String(), Type.Null()]),
  plan: Type.String(),
  region: Type.String(),
  flags: Type.Record(Type.String(), Type.Boolean()),
  erased: Type.Boolean({ description: 'True for a moment before an erasure: the personal fields are gone.' })
})
export type UserAnswer = Static<typeof UserAnswer>

/** What a command answers: nothing personal, because the answer to an Idempotency-Key is kept. */
export const Done = Type.Object({
  id: Type.String(),
  version: Version,
  events: Type.Array(Type.String(), { description: 'what happened, by type; empty when nothing changed' })
})
export type Done = Static<typeof Done>

const ChangedValue = Type.Union([Type.String(), Type.Boolean(), Type.Null()])

export const HistoryEntry = Type.Object({
  version: Version,
  at: Type.String({ format: 'date-time' }),
  what: Type.String({ description: 'the type of the event' }),
  who: Type.Union([Type.String(), Type.Null()]),
  why: Type.Union([Type.String(), Type.Null()]),
  changes: Type.Array(Type.Object({ field: Type.String(), before: ChangedValue, after: ChangedValue })),
  erased: Type.Boolean({ description: 'True when something personal of it was erased: it reads null.' }),
  eventId: Type.String(),
  correlationId: Type.Union([Type.String(), Type.Null()]),
  causationId: Type.Union([Type.String(), Type.Null()]),
  traceparent: Type.Union([Type.String(), Type.Null()])
})
export type HistoryEntry = Static<typeof HistoryEntry>

export const HistoryQuery = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'Default 50.' })),
  order: Type.Optional(
    Type.Union([Type.Literal('asc'), Type.Literal('desc')], { description: 'asc, the default, begins at the first' })
  ),
  cursor: Type.Optional(Type.String({ pattern: '^\\d{1,15}$', description: '`next` of the page before' }))
})
export const History = Type.Object({
  id: Type.String(),
  entries: Type.Array(HistoryEntry),
  next: Type.Union([Type.String(), Type.Null()])
})
export type History = Static<typeof History>

export const Erasure = Type.Object(
  {
    reason: Type.String({
      pattern: '^[a-z0-9_-]{1,64}$',
      description: 'A code such as `asked` or `retention`: it is kept in clear, and stays.'
    })
  },
  { additionalProperties: false }
)

/** What the scan of an erasure looked through and found: nothing personal is in it. */
export const ScanAnswer = Type.Object({
  texts: Type.Integer({ minimum: 0, description: 'personal values that were looked for' }),
  tooShort: Type.Integer({ minimum: 0, description: 'values of under 4 characters, which nobody can look for' }),
  tooMany: Type.Integer({
    minimum: 0,
    description: 'values beyond the first 100, not looked for: addresses and names go first, then reasons'
  }),
  tables: Type.Integer({ minimum: 0 }),
  files: Type.Integer({ minimum: 0 }),
  bytes: Type.Integer({ minimum: 0 }),
  found: Type.Array(Type.Object({ where: Type.String(), what: Type.String() }))
})
export type ScanAnswer = Static<typeof ScanAnswer>

export const ErasureAnswer = Type.Object({
  id: Type.String(),
  version: Version,
  erasedAt: Type.String({ format: 'date-time' }),
  scannedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  scan: Type.Union([ScanAnswer, Type.Null()], {
    description:
      'null while it runs, and for good when it was cut off: what it looks for is known only before the erasure'
  })
})
export type ErasureAnswer = Static<typeof ErasureAnswer>

// A leading zero would be octal to the store.
const FeedCursor = Type.String({ pattern: '^(0|[1-9]\\d{0,17})-(0|[1-9]\\d{0,14})$' })
export const FeedQuery = Type.Object({
  after: Type.Optional(FeedCursor),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'Default 500.' }))
})

/**
 * What happened to users, for other services: plan, region and flags, and of what is personal only that it changed. Types
 * and fields are added, never changed: followers pass over what they do not know.
 */
export const FeedEvent = Type.Object({
  id: Type.String(),
  type: Type.String(),
  userId: Type.String(),
  version: Version,
  at: Type.String({ format: 'date-time' }),
  data: Type.Object({}, { additionalProperties: true }),
  correlationId: Type.Optional(Type.String()),
  traceparent: Type.Optional(Type.String())
})
export type FeedEvent = Static<typeof FeedEvent>

export const FeedPage = Type.Object({
  events: Type.Array(FeedEvent),
  cursor: Type.String({ description: '`after` of the next page' }),
  caughtUp: Type.Boolean()
})
export type FeedPage = Static<typeof FeedPage>
