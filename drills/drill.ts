import type { Aim, RunOptions } from '@plimsoll/bench'
import type { Incident } from '@plimsoll/recorder'

export interface Drill {
  /** What breaks, in a few words. */
  about: string
  run(options: RunOptions, how: { policies: boolean }): Promise<Outcome>
}

export interface Outcome {
  figures: Record<string, unknown>
  aims: Aim[]
  /** What `why` said of the fault. */
  incident?: Incident | undefined
}
