import type { Erased, EvolutionOptions, PersonalFields } from '@plimsoll/eventlog'
import type { Flags } from '../contract.ts'

/** A personal value as it is read: itself, or the mark that it was erased. */
export type Personal<T> = T | Erased

interface About {
  userId: string
  /** Why, in the words of who asked for it. */
  reason?: Personal<string>
}
interface Moved<T> extends About {
  from: T
  to: T
}

export type UserEvent =
  | {
      type: 'user.registered'
      data: About & {
        email: Personal<string>
        name: Personal<string | null>
        plan: string
        region: string
        flags: Flags
      }
    }
  | { type: 'user.email-changed'; data: Moved<Personal<string>> }
  | { type: 'user.name-changed'; data: Moved<Personal<string | null>> }
  | { type: 'user.plan-changed' | 'user.region-changed'; data: Moved<string> }
  | { type: 'user.flags-changed'; data: Moved<Flags> }
  | { type: 'user.deleted'; data: About }
  /** The tombstone. Its reason is a code, in clear: the key that would seal it is gone. */
  | { type: 'user.erased'; data: { userId: string; reason: string } }

export const streamOf = (userId: string) => `user/${userId}`
export const userOf = (stream: string) => stream.slice('user/'.length)

const of = (...fields: string[]): PersonalFields => ({
  subject: ({ userId }: { userId: string }) => streamOf(userId),
  fields
})

/** What is sealed with the key of its user before it is written. */
export const personal: Record<Exclude<UserEvent['type'], 'user.erased'>, PersonalFields> = {
  'user.registered': of('email', 'name', 'reason'),
  'user.email-changed': of('from', 'to', 'reason'),
  'user.name-changed': of('from', 'to', 'reason'),
  'user.plan-changed': of('reason'),
  'user.region-changed': of('reason'),
  'user.flags-changed': of('reason'),
  'user.deleted': of('reason')
}

/** How events of former days are read: an event that changes its shape gets an upcaster here, and keeps it for ever. */
export const evolution: EvolutionOptions = { upcasters: {}, renamed: {}, removed: [] }

/** What other services are told of an event's data. A list of what may leave, so that a new field stays at home. */
export const told: Record<UserEvent['type'], readonly string[]> = {
  'user.registered': ['plan', 'region', 'flags'],
  'user.email-changed': [],
  'user.name-changed': [],
  'user.plan-changed': ['from', 'to'],
  'user.region-changed': ['from', 'to'],
  'user.flags-changed': ['from', 'to'],
  'user.deleted': [],
  'user.erased': []
}
