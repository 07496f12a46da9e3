import { isErased, type StreamEvent } from '@plimsoll/eventlog'
import type { Flags, HistoryEntry } from '../contract.ts'
import type { UserEvent } from './events.ts'

type Changes = HistoryEntry['changes']

/** What an event says to somebody who asks who changed what, when and why. What was erased reads null. */
export function historyEntry(event: StreamEvent): HistoryEntry {
  const { type, data } = event as unknown as UserEvent
  const { actor, correlationId, causationId, traceparent } = event.metadata
  return {
    version: event.version,
    at: new Date(event.recordedAt).toISOString(),
    what: type,
    who: actor ?? null,
    why: readable(data.reason ?? null) as string | null,
    changes: changesOf({ type, data } as UserEvent),
    erased: Object.values(data).some(isErased),
    eventId: event.id,
    correlationId: correlationId ?? null,
    causationId: causationId ?? null,
    traceparent: traceparent ?? null
  }
}

function changesOf({ type, data }: UserEvent): Changes {
  switch (type) {
    case 'user.registered': {
      const { email, name, plan, region, flags } = data
      const fields = Object.entries({ email, name, plan, region })
      return [...fields.flatMap(([field, value]) => changed(field, null, value)), ...changedFlags({}, flags)]
    }
    case 'user.flags-changed':
      return changedFlags(data.from, data.to)
    case 'user.email-changed':
    case 'user.name-changed':
    case 'user.plan-changed':
    case 'user.region-changed':
      return changed(type.slice('user.'.length, -'-changed'.length), data.from, data.to)
    default:
      return []
  }
}

function changed(field: string, before: unknown, after: unknown): Changes {
  if (before === null && after === null) return []
  return [{ field, before: readable(before) as string | null, after: readable(after) as string | null }]
}

function changedFlags(before: Flags, after: Flags): Changes {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return names.flatMap(name => {
    const [was, is] = [before[name] ?? null, after[name] ?? null]
    return was === is ? [] : [{ field: `flags.${name}`, before: was, after: is }]
  })
}

const readable = (value: unknown) => (isErased(value) ? null : value)
