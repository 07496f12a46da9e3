import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type QueueLimits, sumOf } from '../core/books.ts'
import type { Store } from '../core/ports.ts'
import { type QueueStore, queueStore } from '../core/queue-store.ts'
import { fileJournal, takeOver } from './file-journal.ts'
import { beginLife, isAlive, type Life, socketOf } from './life.ts'

/** How often to look for what processes left that are gone. */
const lookMs = 60_000

export interface SharedFolder {
  /** Where this process puts its events. */
  own: Store
  /** That, and before it what was taken over. */
  stores(): Promise<Store[]>
}

export interface SharedFolderOptions {
  folder: string
  limits: QueueLimits
  now(): number
}

/**
 * A folder that several processes may use. Each has a file of its own, `OWNER-ORIGIN.queue`. One that finds the file of a
 * dead owner makes it its own by a rename, which only one can do, and delivers it as it is: a report keeps its id.
 */
export function sharedFolder({ folder, limits, now }: SharedFolderOptions): SharedFolder {
  const owner = randomBytes(8).toString('hex')
  let life: Life | undefined
  let adopted: QueueStore[] = []
  let lookedAt = Number.NEGATIVE_INFINITY

  const settleIn = () => {
    if (life) return
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    // Before there is a file: one whose owner does not listen is anybody's.
    life = beginLife(folder, owner)
  }
  const pathOf = (origin: string) => join(folder, `${owner}-${origin}.queue`)
  const taken = (of: 'events' | 'bytes') => adopted.reduce((sum, { books }) => sum + books[of], 0)
  const own = queueStore({
    now,
    // What was taken over counts: a process that dies and comes back again and again must not fill the disk.
    limits: {
      get events() {
        return limits.events - taken('events')
      },
      get bytes() {
        return limits.bytes - taken('bytes')
      }
    },
    journal: fileJournal(pathOf(owner), settleIn)
  })

  const files = () => {
    try {
      return readdirSync(folder)
    } catch {
      return []
    }
  }
  const adopt = async () => {
    const owners = new Map<string, boolean>([[owner, true]])
    for (const file of files()) {
      const [, other, origin, anew] = /^([0-9a-f]{16})-([0-9a-f]{16})\.queue(\.new)?$/.exec(file) ?? []
      if (other === undefined || origin === undefined) continue
      if (!owners.has(other)) owners.set(other, await isAlive(folder, other))
      if (owners.get(other)) continue
      try {
        if (anew) {
          rmSync(join(folder, file), { force: true })
          continue
        }
        settleIn()
        renameSync(join(folder, file), pathOf(origin))
        const store = queueStore({ now, limits, journal: fileJournal(pathOf(origin)) })
        store.restore(takeOver(pathOf(origin)))
        adopted.push(store)
      } catch {
        // Another process was first, or it cannot be read; the next look will tell.
      }
    }
    for (const [other, alive] of owners) if (!alive) rmSync(socketOf(folder, other), { force: true })
  }
  const prune = async () => {
    for (const store of adopted) if (store.isEmpty) await store.close()
    adopted = adopted.filter(store => !store.isEmpty)
  }
  const stores = async (): Promise<QueueStore[]> => {
    await prune()
    if (Math.abs(now() - lookedAt) >= lookMs) {
      lookedAt = now()
      await adopt()
    }
    return [...adopted, own]
  }
  const end = () => {
    life?.end()
    life = undefined
  }

  return {
    stores,
    own: {
      ...own,
      async losses() {
        const all = await Promise.all([own, ...adopted].map(store => store.losses()))
        return all.reduce(sumOf)
      },
      async erase() {
        // At once, so that what is recorded after a new consent does not fall to it.
        const erased = [own.erase(), ...adopted.map(store => store.erase())]
        adopted = []
        await adopt()
        erased.push(...adopted.map(store => store.erase()))
        adopted = []
        await Promise.all(erased)
        if (own.isEmpty) end()
      },
      async close() {
        for (const store of [own, ...adopted]) await store.close()
        end()
      }
    }
  }
}
