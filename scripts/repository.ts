import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import type { Workspace } from './dependency-direction.ts'

/** The top folder of the repository; every path here is relative to it and written with forward slashes. */
export const root = dirname(import.meta.dirname)

/** What is, or would be, committed: git's own answer, or a walk of the folder where there is no git (an unpacked archive). */
export function repositoryFiles(): string[] {
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
      stdio: ['ignore', 'pipe', 'ignore']
    })
    const files = listed.split('\0').filter(path => path !== '' && existsSync(join(root, path)))
    if (files.length > 0) return files.sort()
  } catch {
    // No git, or no repository: the walk below answers.
  }
  return [...walk(root)].sort()
}

const generated = new Set(['node_modules', 'dist', 'coverage', '.git', '.plimsoll'])

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (generated.has(entry.name)) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else if (entry.isFile()) yield relative(root, path).split(sep).join('/')
  }
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

interface Manifest {
  name: string
  workspaces?: string[]
  exports?: string | Record<string, unknown>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

/** The root (folder `''`) and every npm workspace below it. */
export function readWorkspaces(): Workspace[] {
  const top = JSON.parse(read('package.json')) as Manifest
  const folders = (top.workspaces ?? [])
    .flatMap(pattern => globSync(`${pattern}/package.json`, { cwd: root }))
    .map(path => dirname(path).split(sep).join('/'))
  return ['', ...folders.sort()].map(folder => {
    const manifest = JSON.parse(read(join(folder, 'package.json'))) as Manifest
    const { dependencies, peerDependencies, optionalDependencies, devDependencies } = manifest
    return {
      name: manifest.name,
      folder,
      exports: subpaths(manifest.exports),
      dependencies: Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies }),
      devDependencies: Object.keys(devDependencies ?? {})
    }
  })
}

function subpaths(exported: Manifest['exports']): string[] {
  if (exported === undefined) return []
  if (typeof exported === 'string') return ['.']
  const keys = Object.keys(exported)
  return keys.some(key => key.startsWith('.')) ? keys : ['.']
}
