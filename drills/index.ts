import { report } from '@plimsoll/bench'
import { slowMetadata } from './slow-metadata.ts'

export const drillNames = ['slow-metadata'] as const
export type DrillName = (typeof drillNames)[number]

export interface DrillOptions {
  withoutPolicies: boolean
  quick: boolean
  json: boolean
}

/** Runs one drill and prints its verdict; resolves with the exit code. */
export function runDrill(name: DrillName, options: DrillOptions): Promise<number> {
  const note = (line: string) => void process.stderr.write(`${line}\n`)
  const title = `drill ${name}${options.withoutPolicies ? ' --without-policies' : ''}`
  return report(title, { ...options, seed: 1, note }, run => slowMetadata(run, { policies: !options.withoutPolicies }))
}
