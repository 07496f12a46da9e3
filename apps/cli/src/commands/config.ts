import { describeSettings, environmentName, type Resolved } from '@plimsoll/platform/local'
import { print, table } from '../output.ts'

/** `plimsoll config`: what is in force, and where each value came from. */
export function config(resolved: Resolved, json: boolean): void {
  const described = describeSettings(resolved)
  print(
    json,
    { settings: Object.fromEntries(described.map(({ name, value, source }) => [name, { value, source }])) },
    () =>
      table(
        ['setting', 'value', 'from', 'in the environment'],
        described.map(({ name, value, source }) => [name, String(value), source, environmentName(name)])
      )
  )
}
