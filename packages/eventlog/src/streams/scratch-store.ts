import { setTimeout as turnLater } from 'node:timers/promises'
import { openScratch } from '@plimsoll/database/testing'
import type { StreamEvent } from './event.ts'
import { EventStore, type EventStoreOptions } from './event-store.ts'

/** For tests: a store in an empty database, which ends with it. */
export async function scratchStore(
  options: Omit<EventStoreOptions, 'database'> = {}
): Promise<EventStore & AsyncDisposable> {
  const database = await openScratch()
  await EventStore.migrate(database)
  const store = new EventStore({ database, ...options })
  return Object.assign(store, {
    async [Symbol.asyncDispose]() {
      await store.close()
      await database.close()
    }
  })
}

/** For tests: comes back when it is true. */
export async function until(true_: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await true_())) await turnLater(1)
}

/** For tests: what is committed may be above the horizon for a while: that of other databases on the server, too. */
export const settled = (store: EventStore) => until(async () => (await store.lag()).held === 0)

/** For tests: events whose data is their number in the order in which they were made. */
export function numbered() {
  let made = 0
  return {
    event: (type = 'happened') => ({ type, data: ++made }),
    count: () => made,
    reset() {
      made = 0
    }
  }
}

export const numbersOf = (events: readonly StreamEvent[]) => events.map(({ data }) => data as number)
