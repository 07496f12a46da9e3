import type { Aim, StartedPlatform } from '@plimsoll/bench'
import type { MetadataProcess } from '../metadata-process.ts'
import type { Cause } from './asked-why.ts'
import type { StartedBroker } from './broker.ts'
import type { Door } from './expiring-door.ts'
import type { Server } from './server.ts'

/** Where a fault is played: a platform under load, what it depends on, and the ways to break them. */
export interface Scene {
  platform: StartedPlatform
  /** Where the platform keeps its record, also when it does not run. */
  data: string
  metadata: MetadataProcess
  /** The PostgreSQL and the network before it, on the stages that have one. */
  server?: Server
  /** What stands before the metadata API on the stage `certificate`. */
  door?: Door
  /** What the platform publishes to on the stage `broker`. */
  broker?: StartedBroker
  /** Write keys of the projects that the usual load is of. */
  keys: Record<'shop' | 'news', string>
  /** Faults of the platform itself; see its `fault-knobs.ts`. */
  knob(faults: Record<string, number | string>): Promise<void>
  /** Starts the platform's process again with other flags, or from other sources, on the same data; `meanwhile` is done while it is down. */
  restart(how: { flags?: string[]; program?: string; meanwhile?(): Promise<void> }): Promise<void>
  /** Ends the usual load, and resolves when the last of it is answered. */
  endLoad(): Promise<void>
  note(line: string): void
}

/** What a stage needs to be started with. Faults of one stage share a platform: to start one takes seconds. */
export type StageName = 'embedded' | 'server' | 'small-disk' | 'small-memory' | 'certificate' | 'deployment' | 'broker'

/** One line of the table: what breaks, and what must be said of it. */
export interface Fault {
  about: string
  stage: StageName
  cause: Cause
  /** Breaks it, and resolves with the way to mend it. */
  begin(scene: Scene): Promise<() => Promise<void>>
  /** What must be true once it is mended. */
  afterwards?(scene: Scene): Promise<Aim[]>
  /** It ends the platform or the load, or leaves another platform: nothing is played on this stage after it. */
  isLast?: boolean
  /** How long it may take until it is named, in seconds. Default 20. */
  withinSeconds?: number
}

export const nothing = async (): Promise<void> => undefined
