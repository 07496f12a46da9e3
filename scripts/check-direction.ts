import { directionFaults } from './dependency-direction.ts'
import { importsOf } from './imports.ts'
import { read, readWorkspaces, repositoryFiles } from './repository.ts'

const files = repositoryFiles()
  .filter(path => /\.[cm]?[jt]sx?$/.test(path))
  .map(path => ({ path, imports: importsOf(read(path)) }))
const faults = directionFaults(files, readWorkspaces())
for (const fault of faults) console.log(fault)
console.log(`${files.length} files, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1
