import { posix } from 'node:path'
import { importsOf } from './imports.ts'

export interface PackageSources {
  /** TypeScript files, from the repository's root. */
  code: string[]
  /** Folders that the code names by a URL and reads at run time, such as migrations. */
  folders: string[]
}

/**
 * What a package is made of: everything that can be reached from its doors. Tests, benches and what only they use are not,
 * unless they are a door themselves.
 * @param read gives the text of a file
 */
export function sourcesFrom(doors: readonly string[], read: (path: string) => string): PackageSources {
  const code = new Set<string>()
  const folders = new Set<string>()
  const waiting = [...doors]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (code.has(path)) continue
    code.add(path)
    const source = read(path)
    const from = (relative: string) => posix.join(posix.dirname(path), relative)
    waiting.push(
      ...importsOf(source)
        .filter(name => name.startsWith('.'))
        .map(from)
    )
    for (const [, folder] of source.matchAll(/new URL\(\s*'(\.[^']*\/)',\s*import\.meta\.url/g))
      folders.add(from(folder!))
  }
  return { code: [...code].sort(), folders: [...folders].sort() }
}
