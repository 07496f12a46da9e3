import { globSync } from 'node:fs'
import { sep } from 'node:path'

const folders = ['packages', 'services', 'apps', 'examples', 'drills', 'bench', 'chaos', 'scripts']
const generated = new Set(['node_modules', 'dist'])

/** Every test file below `root`, in a stable order, as paths from it. */
export function findTestFiles(root: string): string[] {
  const found = globSync(`{${folders.join(',')}}/**/*.test.{ts,tsx}`, {
    cwd: root,
    exclude: path => generated.has(path.split(sep).at(-1)!)
  })
  return found.map(path => path.split(sep).join('/')).sort()
}

/** The files whose path contains one of the filters; all of them when there is no filter. */
export function selectTestFiles(files: string[], filters: string[]): string[] {
  const wanted = filters.map(filter => filter.replace(/^\.\//, ''))
  return wanted.length === 0 ? files : files.filter(file => wanted.some(filter => file.includes(filter)))
}

const storeless =
  /^(?:packages\/(?:health|http|recorder|resilience|sketches|spool)|services\/watcher|apps\/(?:console|sdk)|apps\/cli\/src\/end-to-end\/console|bench|chaos\/openapi|scripts)[/.]/

/** Those for which another store is another run: the others know none, or only what speaks HTTP. */
export function filesThatMeetAStore(files: string[]): string[] {
  return files.filter(file => !storeless.test(file))
}
