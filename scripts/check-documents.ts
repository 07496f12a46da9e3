import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { brokenLinks, machineTraces } from './documents.ts'
import { repositoryFiles, root } from './repository.ts'

const files = repositoryFiles()
const known = new Set(['.'])
for (const file of files) {
  for (let path = file; path !== '.' && !known.has(path); path = posix.dirname(path)) known.add(path)
}

const faults = files.flatMap(path => {
  const content = readFileSync(join(root, path))
  if (content.includes(0)) return []
  const text = content.toString()
  const links = path.endsWith('.md') ? brokenLinks(path, text, target => known.has(target)) : []
  return [...links, ...machineTraces(path, text)]
})
for (const fault of faults) console.log(fault)
console.log(`${files.length} files, ${faults.length} faults`)
process.exitCode = faults.length === 0 ? 0 : 1
