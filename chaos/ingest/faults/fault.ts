import type { StartedPlatform } from '@plimsoll/bench'
import type { MetadataProcess } from '@plimsoll/drills'
import type { Lane } from '../../engines/toxiproxy.ts'
import type { Client } from '../clients/client.ts'
import type { Random } from '../random.ts'
import type { Playable, Strike } from '../schedule.ts'
import type { SmallDisk } from '../small-disk.ts'

/** What there is to break. */
export interface Stage {
  platform: StartedPlatform
  metadata: MetadataProcess
  /** The ways from the clients to the platform. */
  lanes: readonly Lane[]
  clients: readonly Client[]
  /** The file system that the embedded stores are on. */
  disk?: SmallDisk | undefined
  /** The server, and the way from the platform to it. */
  postgres?: { kill(downMs: number): Promise<void>; lane: Lane } | undefined
}

export interface Fault<On = Stage> extends Playable {
  /** What breaks, in a few words. */
  about: string
  /** Why it cannot be played on this stage; absent = it can. */
  missing?(stage: On): string | undefined
  /** Breaks it for so long and mends it. Rejects when it could not be broken. */
  play(stage: On, strike: Strike, how: Hand): Promise<void>
}

/** A way by its name, or a client by its name and its kind. */
export type Target = { lane: string } | { client: string; clientKind: string }

/** What a fault may use while it is played. */
export interface Hand {
  random: Random
  /** Says what is hit. A fault that does not say hits everything. */
  hit(target: Target): void
  /** Of these the one that this kind of fault has hit least, so that in time it hits all; of several any. */
  leastHit<T>(from: readonly T[], labelOf: (one: T) => string): T
  /** Sleeps; at once over when the run is broken off. */
  wait(ms: number): Promise<void>
}

/** What is to be broken may be down for another reason just now: the fault comes when it is back, or not at all. */
export async function patiently<T>({ wait }: Hand, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (tries === 30) throw error
      await wait(500)
    }
  }
}
