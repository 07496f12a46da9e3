import { type Aim, type RunOptions, report } from '@plimsoll/bench'
import type { Incident } from '@plimsoll/recorder'
import { aboutFault, faultNames, faultTurn, pairTurns, playTurns, type Verdict } from './causes/index.ts'
import type { Drill, Outcome } from './drill.ts'
import { deadMetadata, failingMetadata, hangingMetadata, slowMetadata } from './metadata-drills.ts'
import { overload } from './overload.ts'
import { blockedLoop, exhaustedPool, retryStorm, stuckAtOnce } from './own-faults.ts'
import { writeReports } from './reports.ts'
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

export { healthyHour } from './causes/index.ts'
export { MetadataProcess } from './metadata-process.ts'

/** Two faults at once, all pairs one after another. */
const pairs = 'pairs'
type Night = keyof typeof drills
const isNight = (name: DrillName): name is Night => Object.hasOwn(drills, name)
const nights = Object.keys(drills) as Night[]

export type DrillName = Night | (typeof faultNames)[number] | typeof pairs
export const drillNames: DrillName[] = [...nights, ...faultNames, pairs]
/** What each breaks, in words. */
export const aboutDrill = (name: DrillName): string => {
  if (isNight(name)) return drills[name].about
  return name === pairs ? `two of these faults at once, ${pairTurns.length} pairs` : aboutFault(name)
}

export interface DrillOptions {
  withoutPolicies: boolean
  quick: boolean
  json: boolean
  /** A folder for what the post-mortem of each drill would be made of, without the drill's name in it. */
  reports?: string | undefined
}

const optionsOf = (options: DrillOptions) => ({
  ...options,
  seed: 1,
  note: (line: string) => void process.stderr.write(`${line}\n`)
})

/** Runs one drill and prints its verdict; resolves with the exit code. */
export function runDrill(name: DrillName, options: DrillOptions): Promise<number> {
  const title = `drill ${name}${options.withoutPolicies ? ' --without-policies' : ''}`
  return report(title, optionsOf(options), async run => {
    if (isNight(name)) {
      const { incident, ...outcome } = await drills[name].run(run, { policies: !options.withoutPolicies })
      await keepReport(name, incident, options)
      return outcome
    }
    return told(await playTurns(name === pairs ? pairTurns : [faultTurn(name)], run), options)
  })
}

/** Runs all of them, one after another, into one verdict. One that could not run is an aim that was missed. */
export function runAllDrills(options: DrillOptions): Promise<number> {
  return report('drill --all', optionsOf(options), async run => {
    const figures: Record<string, unknown> = {}
    const aims: Aim[] = []
    for (const name of nights) {
      run.note(`${name}: ${drills[name].about}`)
      const outcome = await runOne(drills[name], run)
      await keepReport(name, outcome.incident, options)
      figures[name] = outcome.figures
      for (const aim of outcome.aims) aims.push({ ...aim, name: `${name}: ${aim.name}` })
    }
    const causes = await told(await playTurns([...faultNames.map(faultTurn), ...pairTurns], run), options)
    return { figures: { ...figures, ...causes.figures }, aims: [...aims, ...causes.aims] }
  })
}

async function told(verdict: Verdict, { reports }: DrillOptions): Promise<Verdict> {
  const all = verdict.told.map(({ name, played: { incident } }) => ({ name, incident }))
  if (reports !== undefined) await writeReports(reports, all)
  return verdict
}

async function keepReport(name: string, incident: Incident | undefined, { reports }: DrillOptions): Promise<void> {
  if (reports !== undefined && incident !== undefined) await writeReports(reports, [{ name, incident }])
}

async function runOne(drill: Drill, run: RunOptions): Promise<Outcome> {
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
