import type { Result } from '@plimsoll/bench'
import { healthyHour } from '@plimsoll/drills'
import { ingest } from './ingest/ingest.ts'
import { openapi } from './openapi/openapi.ts'
import type { ChaosOptions } from './options.ts'
import { recorder } from './recorder.ts'
import { rivals } from './rivals/rivals.ts'

/** Every chaos run by its name. */
export const runs: Readonly<Record<string, (options: ChaosOptions) => Promise<Result>>> = {
  ingest,
  openapi,
  rivals,
  recorder,
  healthy: healthyHour
}
