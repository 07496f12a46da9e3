import type { Queryable } from '@plimsoll/database'
import type { NewEvent } from '../streams/event.ts'
import type { Keyring } from './keyring.ts'
import { type Erased, isErased, isSealed, seal, unseal } from './seal.ts'

/** Fields of one person in the data of an event. */
export interface PersonalFields {
  subject(data: never): string
  /** Of the data, at its top. */
  fields: readonly string[]
}

export interface ProtectionOptions {
  keyring: Keyring
  /** By type of event: what in it is personal, and whose. */
  personal: Readonly<Record<string, PersonalFields | readonly PersonalFields[]>>
}

/** Seals what is personal before it is written, and opens it when it is read. */
export class Protection {
  readonly keyring: Keyring
  readonly #rules: Map<string, readonly PersonalFields[]>

  constructor({ keyring, personal }: ProtectionOptions) {
    this.keyring = keyring
    this.#rules = new Map(
      Object.entries(personal).map(([type, rules]) => [type, Array.isArray(rules) ? rules : [rules as PersonalFields]])
    )
  }

  /** The same events with what is personal sealed. @throws SubjectErasedError */
  async seal<E extends NewEvent & { id: string }>(events: readonly E[], tx?: Queryable): Promise<E[]> {
    const plans = events.map(({ type, data }) =>
      (this.#rules.get(type) ?? []).map(({ subject, fields }) => ({ subject: subject(data as never), fields }))
    )
    const keys = await this.keyring.findOrMake(
      plans.flat().map(({ subject }) => subject),
      tx
    )
    return events.map((event, i) => {
      if (plans[i]!.length === 0) return event
      const data: Record<string, unknown> = { ...(event.data as Record<string, unknown>) }
      for (const { subject, fields } of plans[i]!) {
        for (const field of fields) {
          if (data[field] !== undefined) {
            data[field] = seal(keys.get(subject)!, subject, data[field], `${event.id}/${field}`)
          }
        }
      }
      return { ...event, data }
    })
  }

  /** The same values with everything sealed in them opened, or `{ $erased }` in its place. */
  async open<T>(values: readonly T[], tx?: Queryable): Promise<T[]> {
    const keys = await this.keyring.find(new Set(values.flatMap(subjectsIn)), tx)
    return values.map(value => opened(value, keys) as T)
  }

  /** A whole state, sealed for each of those whose data is in it: without any one of their keys it is closed. */
  async sealFor(subjects: readonly string[], state: unknown, salt: string): Promise<unknown> {
    const keys = await this.keyring.find(subjects)
    let sealed = state
    for (const subject of subjects) {
      const key = keys.get(subject)
      if (!key) return undefined
      sealed = seal(key, subject, sealed, salt)
    }
    return sealed
  }

  /** Opens what `sealFor` sealed; `undefined` when somebody in it was erased. */
  async openFor(subjects: readonly string[], sealed: unknown, tx?: Queryable): Promise<unknown> {
    const keys = await this.keyring.find(subjects, tx)
    let state = sealed
    for (const subject of subjects.toReversed()) {
      const key = keys.get(subject)
      if (!key || !isSealed(state) || state.$sealed !== subject) return undefined
      state = unseal(key, state)
    }
    return state
  }
}

/** Whose sealed values are in it. */
export function subjectsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return isSealed(value) ? [value.$sealed] : Object.values(value).flatMap(subjectsIn)
}

/** Who was erased from it. */
export function erasedIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return isErased(value) ? [value.$erased] : Object.values(value).flatMap(erasedIn)
}

/** True when somewhere in it stands what only this package may write. */
export function hasMark(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return isSealed(value) || isErased(value) || Object.values(value).some(hasMark)
}

function opened(value: unknown, keys: ReadonlyMap<string, Buffer>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (isSealed(value)) {
    const key = keys.get(value.$sealed)
    return key ? unseal(key, value) : ({ $erased: value.$sealed } satisfies Erased)
  }
  if (Array.isArray(value)) return value.map(inner => opened(inner, keys))
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, opened(inner, keys)]))
}
