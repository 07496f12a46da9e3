import { isDeepStrictEqual } from 'node:util'
import { decider, isErased, type SnapshotPolicy } from '@plimsoll/eventlog'
import type { Change, Flags, Registration } from '../contract.ts'
import { TooManyFlagsError, UserDeletedError, UserErasedError, UserExistsError, UserNotFoundError } from './errors.ts'
import type { Personal, UserEvent } from './events.ts'

/** A user as their events tell them. What is personal is null once it cannot be read. */
export interface User {
  status: 'none' | 'active' | 'deleted' | 'erased'
  email: string | null
  name: string | null
  plan: string
  region: string
  flags: Flags
  /** Something personal was erased: `email` is null because it is gone. */
  erased: boolean
}

export type UserCommand =
  | ({ do: 'register'; id: string } & Omit<Registration, 'id'>)
  | ({ do: 'change'; id: string } & Change)
  | { do: 'delete'; id: string; reason?: string }
  | { do: 'erase'; id: string; reason: string }

export const mostFlags = 64

const nobody: User = { status: 'none', email: null, name: null, plan: '', region: '', flags: {}, erased: false }

/** An account. Pure: no store, no clock. */
export const user = decider<User, UserCommand, UserEvent>({ initial: nobody, decide, evolve })

/** Users are short streams: a state is kept for the few that are changed all the time. */
export const snapshots: SnapshotPolicy = { name: 'user', shape: '1', every: 50 }

function decide(command: UserCommand, state: User): readonly UserEvent[] {
  switch (command.do) {
    case 'register':
      return register(command, state)
    case 'change':
      return change(command, active(state))
    case 'delete':
      if (state.status === 'deleted' || state.status === 'erased') return []
      active(state)
      return [{ type: 'user.deleted', data: about(command) }]
    case 'erase':
      if (state.status === 'none') throw new UserNotFoundError()
      if (state.status === 'erased') return []
      return [{ type: 'user.erased', data: { userId: command.id, reason: command.reason } }]
  }
}

function register(command: Extract<UserCommand, { do: 'register' }>, state: User): UserEvent[] {
  if (state.status !== 'none') throw new UserExistsError()
  const { email, name = null, plan, region, flags = {} } = command
  return [{ type: 'user.registered', data: { ...about(command), email, name, plan, region, flags } }]
}

/** One event for each thing that is another than it was, all with the same reason. */
function change(command: Extract<UserCommand, { do: 'change' }>, state: User): UserEvent[] {
  const { email = state.email, name = state.name, plan = state.plan, region = state.region } = command
  const flags = merged(state.flags, command.flags ?? {})
  const base = about(command)
  const events: UserEvent[] = []
  if (email !== null && email !== state.email)
    events.push({ type: 'user.email-changed', data: { ...base, from: state.email!, to: email } })
  if (name !== state.name) events.push({ type: 'user.name-changed', data: { ...base, from: state.name, to: name } })
  if (plan !== state.plan) events.push({ type: 'user.plan-changed', data: { ...base, from: state.plan, to: plan } })
  if (region !== state.region)
    events.push({ type: 'user.region-changed', data: { ...base, from: state.region, to: region } })
  if (!isDeepStrictEqual(flags, state.flags))
    events.push({ type: 'user.flags-changed', data: { ...base, from: state.flags, to: flags } })
  return events
}

function about({ id, reason }: { id: string; reason?: string }) {
  return { userId: id, ...(reason !== undefined && { reason }) }
}

function active(state: User): User {
  if (state.status === 'none') throw new UserNotFoundError()
  if (state.status === 'deleted') throw new UserDeletedError()
  if (state.status === 'erased') throw new UserErasedError()
  return state
}

function merged(flags: Flags, patch: Record<string, boolean | null>): Flags {
  const names = new Set([...Object.keys(flags), ...Object.keys(patch)])
  const after: Flags = {}
  for (const name of [...names].sort()) {
    const value = Object.hasOwn(patch, name) ? patch[name]! : flags[name]!
    if (value !== null) after[name] = value
  }
  if (Object.keys(after).length > mostFlags) throw new TooManyFlagsError(mostFlags)
  return after
}

function evolve(state: User, { type, data }: UserEvent): User {
  switch (type) {
    case 'user.registered': {
      const { plan, region, flags } = data
      const [email, name] = [readable(data.email), readable(data.name)]
      return { status: 'active', email, name, plan, region, flags, erased: isErased(data.email) }
    }
    case 'user.email-changed':
      return { ...state, email: readable(data.to), erased: state.erased || isErased(data.to) }
    case 'user.name-changed':
      return { ...state, name: readable(data.to), erased: state.erased || isErased(data.to) }
    case 'user.plan-changed':
      return { ...state, plan: data.to }
    case 'user.region-changed':
      return { ...state, region: data.to }
    case 'user.flags-changed':
      return { ...state, flags: data.to }
    case 'user.deleted':
      return { ...state, status: 'deleted' }
    case 'user.erased':
      return { ...state, status: 'erased', email: null, name: null, erased: true }
    default:
      return state
  }
}

const readable = <T>(value: Personal<T>): T | null => (isErased(value) ? null : value)
