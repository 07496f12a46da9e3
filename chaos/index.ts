import type { Aim, RunOptions } from '@plimsoll/bench'
import { openapi } from './openapi/openapi.ts'

export type ChaosRun = (options: RunOptions) => Promise<{ figures: Record<string, unknown>; aims: Aim[] }>

export const runs: Readonly<Record<string, ChaosRun>> = { openapi }
