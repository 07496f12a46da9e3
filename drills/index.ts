import { type Aim, type RunOptions, report } from '@plimsoll/bench'
import type { Drill } from './drill.ts'
import { deadMetadata, failingMetadata, hangingMetadata, slowMetadata } from './metadata-drills.ts'
import { overload } from './overload.ts'
import { blockedLoop, exhaustedPool, retryStorm, stuckAtOnce } from './own-faults.ts'
import { storeAway } from './store-away.ts'

const drills = {
  'slow-metadata': slowMetadata,
  'dead-metadata': deadMetadata,
  'failing-metadata': failingMetadata,
  'hanging-metadata': hangingMetadata,
  'retry-storm': retryStorm,
  'exhausted-pool': exhaustedPool,
  'blocked-loop': blockedLoop,
  'stuck-at-once': stuckAtOnce,
  'store-away': storeAway,
  overload
} satisfies Record<string, Drill>

export { MetadataProcess } from './metadata-process.ts'
export type DrillName = keyof typeof drills
export const drillNames = Object.keys(drills) as DrillName[]
/** What each breaks, in words. */
export const aboutDrill = (name: DrillName): string => drills[name].about

export interface DrillOptions {
  withoutPolicies: boolean
  quick: boolean
  json: boolean
}

const optionsOf = (options: DrillOptions) => ({
  ...options,
  seed: 1,
  note: (line: string) => void process.stderr.write(`${line}\n`)
})

/** Runs one drill and prints its verdict; resolves with the exit code. */
export function runDrill(name: DrillName, options: DrillOptions): Promise<number> {
  const title = `drill ${name}${options.withoutPolicies ? ' --without-policies' : ''}`
  return report(title, optionsOf(options), run => drills[name].run(run, { policies: !options.withoutPolicies }))
}

/** Runs all of them, one after another, into one verdict. One that could not run is an aim that was missed. */
export function runAllDrills(options: DrillOptions): Promise<number> {
  return report('drill --all', optionsOf(options), async run => {
    const figures: Record<string, unknown> = {}
    const aims: Aim[] = []
    for (const name of drillNames) {
      run.note(`${name}: ${drills[name].about}`)
      const outcome = await runOne(drills[name], run)
      figures[name] = outcome.figures
      for (const aim of outcome.aims) aims.push({ ...aim, name: `${name}: ${aim.name}` })
    }
    return { figures, aims }
  })
}

async function runOne(drill: Drill, run: RunOptions): Promise<{ figures: Record<string, unknown>; aims: Aim[] }> {
  try {
    return await drill.run(run, { policies: true })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return {
      figures: { 'could not run': why },
      aims: [{ name: `could not run: ${why}`, value: 0, unit: '', aim: 1, better: 'at least', ok: false }]
    }
  }
}
