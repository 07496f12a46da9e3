import type { Aim, RunOptions } from '@plimsoll/bench'

export interface Drill {
  /** What breaks, in a few words. */
  about: string
  run(options: RunOptions, how: { policies: boolean }): Promise<{ figures: Record<string, unknown>; aims: Aim[] }>
}
