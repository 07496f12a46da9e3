import { report } from '@plimsoll/bench'
import { runs } from './index.ts'
import { chaosOptions } from './options.ts'

/** `npm run chaos -- NAME [--quick] [--json] [--seed N] …`. */
const [name, ...rest] = process.argv.slice(2)
const run = name !== undefined && Object.hasOwn(runs, name) ? runs[name] : undefined
if (!run) {
  process.stderr.write(
    `usage: npm run chaos -- NAME [--quick] [--json] [--seed N], where NAME is one of ${Object.keys(runs).join(', ')}\n`
  )
  process.exitCode = 2
} else {
  try {
    process.exitCode = await report(`chaos ${name}`, chaosOptions(rest), run)
  } catch (error) {
    process.stderr.write(`chaos ${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 2
  }
}
