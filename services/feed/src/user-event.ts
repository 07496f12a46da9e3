import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/schema'
import type { Row } from './activity.ts'

/** What is read of the events of users. There are more fields, and may be more types: those are passed over. */
const UserEvent = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' }),
  type: Type.String(),
  userId: Type.String({ minLength: 1, maxLength: 200 }),
  at: Type.String(),
  data: Type.Optional(Type.Object({}, { additionalProperties: true }))
})
export type UserEvent = Static<typeof UserEvent>

const check = Compile(UserEvent)

/** What happened to users is not told as it was agreed: following stops before it, and passes over nothing. */
export class UserFeedContractError extends Error {
  override readonly name = 'UserFeedContractError'
  readonly code = 'PLIMSOLL_USER_FEED_CONTRACT'
  constructor(id: unknown) {
    super(`event ${String(id)} of users is not as agreed`)
  }
}

const shown = new Set([
  'user.registered',
  'user.email-changed',
  'user.name-changed',
  'user.plan-changed',
  'user.region-changed',
  'user.flags-changed'
])
/** Whoever is deleted or erased has no feed any more. */
const goes = new Set(['user.deleted', 'user.erased'])

/** @throws UserFeedContractError */
export function userEvent(told: unknown): UserEvent {
  if (!check.Check(told) || Number.isNaN(Date.parse(told.at))) {
    throw new UserFeedContractError((told as { id?: unknown } | null)?.id)
  }
  return told
}

export const isGone = ({ type }: UserEvent) => goes.has(type)

/** Nothing personal is among it: users tell no address and no name. */
export function rowOf({ id, type, userId, at, data }: UserEvent): Row | undefined {
  if (!shown.has(type)) return undefined
  const detail = data && Object.keys(data).length > 0 ? JSON.stringify(data) : null
  return { userId, at: Date.parse(at), id, project: null, kind: type, detail, n: 1 }
}
