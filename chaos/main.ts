import { optionsFrom, report } from '@plimsoll/bench'
import { runs } from './index.ts'

/** `npm run chaos -- NAME [--quick] [--json] [--seed N] [--seconds N]`. */
const [name = '', ...rest] = process.argv.slice(2)
const run = Object.hasOwn(runs, name) ? runs[name] : undefined
if (run) process.exitCode = await report(`chaos ${name}`, optionsFrom(rest), run)
else {
  const names = Object.keys(runs).join(', ')
  process.stderr.write(
    `usage: npm run chaos -- NAME [--quick] [--json] [--seed N] [--seconds N], where NAME is one of ${names}\n`
  )
  process.exitCode = 2
}
