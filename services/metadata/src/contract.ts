import Type, { type Static } from 'typebox'

/** The HTTP contract of the metadata service: the plan tier, the region and the feature flags of a user. */

const Label = Type.String({ pattern: '^[a-z0-9_-]{1,32}$' })

export const UserMetadata = Type.Object(
  {
    tier: Label,
    region: Label,
    flags: Type.Record(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' }), Type.Boolean(), {
      maxProperties: 64,
      additionalProperties: false
    })
  },
  { additionalProperties: false }
)
export type UserMetadata = Static<typeof UserMetadata>

export const UserId = Type.String({ minLength: 1, maxLength: 200 })
export const UserParams = Type.Object({ id: UserId })

/** `GET /v1/users/{id}/metadata`; a user without metadata is 404 `user_not_found`. */
export const UserAnswer = Type.Object({ userId: UserId, ...UserMetadata.properties })
export type UserAnswer = Static<typeof UserAnswer>

/** `POST /v1/users/metadata` */
export const BatchRequest = Type.Object(
  { ids: Type.Array(UserId, { minItems: 1, maxItems: 1000 }) },
  { additionalProperties: false }
)
export type BatchRequest = Static<typeof BatchRequest>

/** Every id that was asked for is in one of the two, once. */
export const BatchAnswer = Type.Object({ users: Type.Record(Type.String(), UserMetadata), absent: Type.Array(UserId) })
export type BatchAnswer = Static<typeof BatchAnswer>

/** `PUT /admin/faults`: what goes wrong on purpose. What is left out is off. */
export const FaultSettings = Type.Object(
  {
    /** Added before each answer. */
    latencyMs: Type.Optional(Type.Number({ minimum: 0, maximum: 60_000 })),
    /** Up to so much more, evenly spread. */
    jitterMs: Type.Optional(Type.Number({ minimum: 0, maximum: 60_000 })),
    /** Share of the answers that are 500. */
    errorRate: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    /** Requests are taken and never answered. */
    hang: Type.Optional(Type.Boolean()),
    /** Makes the errors and the jitter the same in every run. Default 1. */
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 0xffff_ffff }))
  },
  { additionalProperties: false }
)
export type FaultSettings = Static<typeof FaultSettings>
