import { readFileSync } from 'node:fs'

/** The version of a dependency as it is installed. Its package.json need not be among its exports. */
export function installedVersion(name: string): string {
  let folder = new URL('.', import.meta.resolve(name))
  for (;;) {
    try {
      const found = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
        name?: string
        version?: string
      }
      if (found.name === name && found.version !== undefined) return found.version
    } catch {
      // Not in this folder.
    }
    const above = new URL('..', folder)
    if (above.href === folder.href) throw new Error(`${name} has no package.json`)
    folder = above
  }
}
