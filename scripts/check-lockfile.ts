import { type Lockfile, missingOptional } from './lockfile.ts'
import { read } from './repository.ts'

const lockfile = JSON.parse(read('package-lock.json')) as Lockfile
const faults = missingOptional(lockfile)
for (const fault of faults) console.log(fault)
console.log(`${Object.keys(lockfile.packages).length} packages, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1
