import Type, { type Static } from 'typebox'

/** The HTTP contract of the feed: what a user did and what happened to their account, the newest first. */

const UserId = Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f]{1,200}$' })
export const UserParams = Type.Object({ user: UserId })

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
export const FeedQuery = Type.Object({
  before: Type.Optional(
    Type.String({ pattern: `^-?(0|[1-9][0-9]{0,14})_${uuid}$`, description: '`next` of the page before' })
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'Default 20.' }))
})

const Token = Type.String({ pattern: '^(0|[1-9][0-9]{0,14})$', description: '`through` of an answer' })
export const MarkBody = Type.Object({ through: Token }, { additionalProperties: false })

const read = {
  unread: Type.Integer({ minimum: 0, description: 'counted up to 200, which is all that is kept' }),
  through: Type.String({ description: 'mark this as read, and all that this answer knows of is' })
}
export const FeedItem = Type.Object({
  id: Type.String({ description: 'of the session, or of the event of the user' }),
  kind: Type.String({ description: 'session.began, or the type of what happened to the user' }),
  at: Type.String({ format: 'date-time' }),
  project: Type.Union([Type.String(), Type.Null()]),
  detail: Type.Union([Type.Object({}, { additionalProperties: true }), Type.Null()]),
  unread: Type.Boolean()
})
export type FeedItem = Static<typeof FeedItem>

export const FeedAnswer = Type.Object({
  user: Type.String(),
  items: Type.Array(FeedItem),
  next: Type.Union([Type.String(), Type.Null()]),
  ...read,
  /** Age of the oldest event that is in the log and not in any feed yet, in milliseconds. */
  lagMs: Type.Number({ minimum: 0 })
})
export const ReadAnswer = Type.Object({ user: Type.String(), ...read })
