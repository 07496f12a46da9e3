import { EventStoreError } from '../streams/errors.ts'

/** Makes the data of one version into that of the next. Pure, and never changed once released: it is history's reader. */
export type Upcaster = (data: never) => unknown

export interface EvolutionOptions {
  /** By today's type: from version 1 to 2, from 2 to 3, and so on. A type without any is at version 1. */
  upcasters?: Readonly<Record<string, readonly Upcaster[]>>
  /** From a former type to today's. */
  renamed?: Readonly<Record<string, string>>
  /** Former types whose events nobody is to see any more. They stay where they are. */
  removed?: readonly string[]
}

/** An event of a version that this program does not know: it was written by a newer one. */
export class EventFromFutureError extends EventStoreError {
  override readonly name = 'EventFromFutureError'
  readonly code = 'PLIMSOLL_EVENT_FROM_FUTURE'

  constructor(type: string, version: number, known: number) {
    super(`an event "${type}" of version ${version} was read, and this program knows ${known}: it needs to be updated`)
  }
}

/** How events of all times are read as events of today. Applied wherever events are read. */
export interface Evolution {
  /** The version in which events of a type are written now. @throws RangeError for a type of the past */
  versionOf(type: string): number
  /** Today's form, or undefined for a removed type. @throws EventFromFutureError */
  upcast(type: string, version: number, data: unknown): { type: string; data: unknown } | undefined
  /** The names under which events of these types may be stored. */
  storedNames(types: readonly string[]): string[]
  /** Differs when the same events may be read differently: a part of the shape of a snapshot. */
  readonly fingerprint: string
}

export function evolution({ upcasters = {}, renamed = {}, removed = [] }: EvolutionOptions = {}): Evolution {
  const chains = new Map(Object.entries(upcasters))
  const today = new Map(Object.entries(renamed))
  const gone = new Set(removed)
  for (const [from, to] of today) {
    if (today.has(to))
      throw new RangeError(`"${from}" is renamed to "${to}", which is renamed itself: name the last one`)
    if (gone.has(from)) throw new RangeError(`"${from}" is both renamed and removed`)
  }
  const known = (type: string) => (chains.get(type)?.length ?? 0) + 1
  const chainLengths = [...chains].map(([type, { length }]) => [type, length] as const).sort()
  return {
    versionOf(type) {
      if (gone.has(type) || today.has(type)) {
        const now = today.get(type)
        throw new RangeError(`"${type}" is a type of the past${now ? `: it is "${now}" now` : ''}`)
      }
      return known(type)
    },
    upcast(stored, version, data) {
      if (gone.has(stored)) return undefined
      const type = today.get(stored) ?? stored
      if (version > known(type)) throw new EventFromFutureError(type, version, known(type))
      let now = data
      for (const upcaster of chains.get(type)?.slice(version - 1) ?? []) now = upcaster(now as never)
      return { type, data: now }
    },
    storedNames: types => [...types, ...[...today].filter(([, to]) => types.includes(to)).map(([from]) => from)],
    fingerprint: JSON.stringify([chainLengths, [...today].sort(), [...gone].sort()])
  }
}
