import { aboutDrill, drillNames, runAllDrills, runDrill } from '@plimsoll/drills'
import { CommandError } from '../exit-codes.ts'

/** `plimsoll drill NAME`: exit 0 when every aim is met, 1 when one is missed, 2 when it could not run. */
export async function drill(
  name: string | undefined,
  options: { all: boolean; withoutPolicies: boolean; quick: boolean; json: boolean; reports?: string }
): Promise<void> {
  if (options.all) {
    process.exitCode = await runAllDrills(options)
    return
  }
  const found = drillNames.find(n => n === name)
  if (!found)
    throw new CommandError(
      ['name a drill, or --all:', ...drillNames.map(n => `  ${n.padEnd(20)} ${aboutDrill(n)}`)].join('\n')
    )
  process.exitCode = await runDrill(found, options)
}
