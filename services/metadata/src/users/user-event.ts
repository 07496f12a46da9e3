import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/schema'
import { UserMetadata } from '../contract.ts'

/** What is read of the feed of users. The feed has more, and may have more types: those are passed over. */

const { tier: Label, flags: Flags } = UserMetadata.properties

const about = { userId: Type.String({ minLength: 1, maxLength: 200 }), version: Type.Integer({ minimum: 1 }) }
const Registered = Type.Object({
  ...about,
  type: Type.Literal('user.registered'),
  data: Type.Object({ plan: Label, region: Label, flags: Flags })
})
const Relabelled = Type.Object({
  ...about,
  type: Type.Union([Type.Literal('user.plan-changed'), Type.Literal('user.region-changed')]),
  data: Type.Object({ to: Label })
})
const Reflagged = Type.Object({
  ...about,
  type: Type.Literal('user.flags-changed'),
  data: Type.Object({ to: Flags })
})
const Gone = Type.Object({
  ...about,
  type: Type.Union([Type.Literal('user.deleted'), Type.Literal('user.erased')])
})
const UserEvent = Type.Union([Registered, Relabelled, Reflagged, Gone])
export type UserEvent = Static<typeof UserEvent>

const known = new Set([
  'user.registered',
  'user.plan-changed',
  'user.region-changed',
  'user.flags-changed',
  'user.deleted',
  'user.erased'
])
const check = Compile(UserEvent)

/** An event of a type that is known here is not as it was agreed: following stops before it, and passes over nothing. */
export class FeedContractError extends Error {
  override readonly name = 'FeedContractError'
  readonly code = 'PLIMSOLL_FEED_CONTRACT'
  constructor(what: string) {
    super(`the feed of users is not as agreed: ${what}`)
  }
}

/** The event, or undefined for a type that says nothing here. @throws FeedContractError */
export function userEvent(told: unknown): UserEvent | undefined {
  const { type, id } = (told ?? {}) as { type?: unknown; id?: unknown }
  if (typeof type !== 'string') throw new FeedContractError('an event without a type')
  if (!known.has(type)) return undefined
  if (!check.Check(told)) throw new FeedContractError(`event ${String(id)}, a ${type}`)
  return told
}

/** What is kept of a user; `metadata` is null for one who is gone. */
export interface KnownUser {
  version: number
  metadata: UserMetadata | null
}

/** One event further. Pure; an event that came before changes nothing. */
export function foldUser(before: KnownUser | undefined, event: UserEvent): KnownUser | undefined {
  const { version } = event
  if (before && version <= before.version) return before
  switch (event.type) {
    case 'user.registered': {
      const { plan: tier, region, flags } = event.data
      return { version, metadata: { tier, region, flags } }
    }
    case 'user.deleted':
    case 'user.erased':
      return { version, metadata: null }
  }
  // Of somebody who is not known, or gone: nothing to change.
  if (!before?.metadata) return before
  const { metadata } = before
  switch (event.type) {
    case 'user.plan-changed':
      return { version, metadata: { ...metadata, tier: event.data.to } }
    case 'user.region-changed':
      return { version, metadata: { ...metadata, region: event.data.to } }
    case 'user.flags-changed':
      return { version, metadata: { ...metadata, flags: event.data.to } }
  }
}
