import { isBuiltin } from 'node:module'
import { posix } from 'node:path'

/** One npm workspace; the root itself has the folder `''`. */
export interface Workspace {
  name: string
  folder: string
  /** Exported subpaths as package.json writes them: `.`, `./schemas`, `./adapters/*`. */
  exports: string[]
  /** What it needs to run: dependencies, peer and optional ones. */
  dependencies: string[]
  devDependencies: string[]
}

export interface SourceFile {
  /** From the repository root, with forward slashes. */
  path: string
  imports: string[]
}

/**
 * What each top folder may import from. A folder that is not named here (drills, bench, scripts) may import anything.
 * Tests of apps may also use what starts the whole platform, which is in `bench`.
 */
const mayImport: Record<string, string[]> = {
  packages: ['packages'],
  services: ['packages'],
  apps: ['packages', 'services', 'apps', 'drills'],
  examples: ['packages', 'examples']
}

/**
 * The house's arrows, `apps → services → packages` and `examples → packages`: one sentence for each import that breaks
 * them, reaches into a workspace past its door, or names a package its workspace does not declare.
 */
export function directionFaults(files: SourceFile[], workspaces: Workspace[]): string[] {
  const byName = new Map(workspaces.map(workspace => [workspace.name, workspace]))
  const byFolder = workspaces.toSorted((a, b) => b.folder.length - a.folder.length)
  const ownerOf = (path: string) => byFolder.find(({ folder }) => folder === '' || path.startsWith(`${folder}/`))!
  const rootDevelopment = byName.get(ownerOf('').name)?.devDependencies ?? []

  return files.flatMap(file => {
    const from = ownerOf(file.path)
    return file.imports.flatMap(specifier => {
      const fault = /^\.{0,2}\//.test(specifier)
        ? faultOfPath(file.path, specifier, from, ownerOf)
        : faultOfName(file.path, specifier, from, byName, rootDevelopment)
      return fault === undefined ? [] : [`${file.path}: '${specifier}' ${fault}`]
    })
  })
}

function faultOfPath(
  path: string,
  specifier: string,
  from: Workspace,
  ownerOf: (path: string) => Workspace
): string | undefined {
  if (specifier.startsWith('/')) return 'is an absolute path; import by a relative path or a package name'
  const target = posix.join(posix.dirname(path), specifier)
  if (target.startsWith('../')) return 'leaves the repository'
  const to = ownerOf(target)
  if (to !== from) return `leaves its workspace; import ${to.name} by its name`
}

function faultOfName(
  path: string,
  specifier: string,
  from: Workspace,
  byName: Map<string, Workspace>,
  rootDevelopment: string[]
): string | undefined {
  if (isBuiltin(specifier) || specifier.startsWith('#')) return
  const name = packageName(specifier)
  const to = byName.get(name)
  if (to !== undefined) {
    if (!isExported(to, specifier)) return `is not a door of ${name}; it exports ${to.exports.join(', ') || 'nothing'}`
    if (to === from) return
    const area = areaOf(from)
    const allowed = mayImport[area]
    const isTool = area === 'apps' && areaOf(to) === 'bench' && isDevelopment(path, from)
    if (allowed !== undefined && !allowed.includes(areaOf(to)) && !isTool) {
      return `points the wrong way: ${area} may import only ${allowed.join(', ')}`
    }
  }
  // The root holds no code that ships: its scripts, drills and benches may use every workspace.
  if (from.folder === '' && to !== undefined) return
  const declared = isDevelopment(path, from)
    ? [...from.dependencies, ...from.devDependencies, ...rootDevelopment]
    : from.dependencies
  if (!declared.includes(name)) return `is not declared in ${posix.join(from.folder, 'package.json')}`
}

/** Code that never ships may use devDependencies: tests, benches, and everything that belongs to the root. */
function isDevelopment(path: string, from: Workspace): boolean {
  return from.folder === '' || /\.(test|bench)\.[jt]sx?$/.test(path) || /(^|\/)(bench|end-to-end)\//.test(path)
}

function packageName(specifier: string): string {
  const [scope, name] = specifier.split('/')
  return scope!.startsWith('@') && name !== undefined ? `${scope}/${name}` : scope!
}

function isExported({ name, exports }: Workspace, specifier: string): boolean {
  const wanted = `.${specifier.slice(name.length)}`
  return exports.some(door => {
    const star = door.indexOf('*')
    if (star < 0) return door === wanted
    return wanted.startsWith(door.slice(0, star)) && wanted.endsWith(door.slice(star + 1))
  })
}

function areaOf({ folder }: Workspace): string {
  return folder.split('/')[0]!
}
