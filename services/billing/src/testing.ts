import { randomUUID } from 'node:crypto'
import type { NewEntry } from '@plimsoll/eventlog'

/** Entries of the log for tests of this service, as the write side makes them. */

export const minute = 60_000

export const visit = (at: number, last = at) => [at, last, 1, 'pro', 'eu', 'known', 'ann']

export const entry = (time: number, change: unknown, over: Partial<NewEntry> = {}): NewEntry => ({
  tenant: 'shop',
  id: randomUUID(),
  type: 'session.heartbeat',
  time,
  stream: randomUUID(),
  subject: 'ann',
  digest: '1',
  data: null,
  change: change === null ? null : JSON.stringify(change),
  ...over
})

export const begun = (at: number, over?: Partial<NewEntry>) => entry(at, [null, visit(at)], over)
