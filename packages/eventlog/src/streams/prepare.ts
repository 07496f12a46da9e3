import { createHash } from 'node:crypto'
import type { Queryable } from '@plimsoll/database'
import { hasMark, type Protection } from '../erasure/protection.ts'
import { isSealed } from '../erasure/seal.ts'
import type { Evolution } from '../upcasting/evolution.ts'
import { type AppendRequest, checkName, checkParts, type Part, prepareEvent, withId } from './append.ts'
import type { EventMetadata, NewEvent } from './event.ts'

export interface Preparing {
  evolution: Evolution
  protection: Protection | undefined
  keysIn: Queryable | undefined
}

/** Checks parts and brings their events to the form in which they are stored: with an id, at today's version, sealed. */
export async function prepareRequest(
  parts: readonly Part[],
  metadata: EventMetadata,
  key: string | undefined,
  { evolution, protection, keysIn }: Preparing
): Promise<AppendRequest> {
  checkParts(parts)
  if (key !== undefined) checkName('key', key)
  const prepared = parts.map(async ({ stream, expected, events }) => {
    const versions = events.map(({ type, data }) => {
      if (hasMark(data))
        throw new RangeError(`the data of a "${type}" has $sealed or $erased in it, which are the store's own`)
      return evolution.versionOf(type)
    })
    const named = events.map(withId)
    const sealed = protection ? await protection.seal(named, keysIn) : named
    return { stream, expected, sealed, events: sealed.map((event, i) => prepareEvent(event, versions[i]!, metadata)) }
  })
  const ready = await Promise.all(prepared)
  const request = { parts: ready.map(({ stream, expected, events }) => ({ stream, expected, events })) }
  return key === undefined ? request : { ...request, key: { name: key, digest: digestOf(ready) } }
}

/**
 * Of what a retry has in common with its first try: not the ids and versions, which may be made anew, nor what is personal,
 * of which nothing may be left once its key is destroyed.
 */
function digestOf(parts: readonly { stream: string; sealed: readonly NewEvent[] }[]): string {
  const hash = createHash('sha256')
  for (const { stream, sealed } of parts) {
    const events = sealed.map(({ type, data }) => [type, data ?? null])
    hash.update(JSON.stringify([stream, events], (_, value) => (isSealed(value) ? value.$sealed : value)))
  }
  return hash.digest('hex')
}
