/** What is different in a packed package: plain JavaScript with types beside it, in `dist`. */

export interface SourceManifest {
  name: string
  version: string
  /** A source, or one for each condition. */
  exports: Record<string, string | Record<string, string>>
  devDependencies?: Record<string, string>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  [other: string]: unknown
}

/** The manifest of what is packed: doors lead to what was made, and what only development needs is left out. */
export function packedManifest({ devDependencies: _, exports, ...rest }: SourceManifest): Record<string, unknown> {
  const doors = Object.entries(exports).map(([door, source]) => {
    if (typeof source === 'string') return [door, packedDoor(source)]
    return [door, Object.fromEntries(Object.entries(source).map(([when, path]) => [when, packedDoor(path)]))]
  })
  return { ...rest, exports: Object.fromEntries(doors), files: ['dist'] }
}

function packedDoor(source: string): Record<string, string> {
  const made = inDist(source)
  return { types: `${made}.d.ts`, default: `${made}.js` }
}

/** `./src/deep/x.ts` is made into `./dist/deep/x` with two endings. */
export function inDist(source: string): string {
  const [, path] = /^(?:\.\/)?src\/(.*)\.ts$/.exec(source) ?? []
  if (path === undefined) throw new Error(`a door is a file of ./src, not '${source}'`)
  return `./dist/${path}`
}

/** The compiler renames what is imported; code that is named by a URL, as a worker is, is renamed here. */
export function packedCode(javascript: string): string {
  return javascript.replace(/(new URL\((['"])\.{1,2}\/[^'"]+)\.ts(\2,\s*import\.meta\.url\))/g, '$1.js$3')
}

/** The compiler leaves the names in declarations as they are in the source. */
export function packedTypes(declarations: string): string {
  return declarations.replace(/((?:\bfrom|\bimport)\s*\(?\s*(['"])\.{1,2}\/[^'"]+)\.ts(\2)/g, '$1.js$3')
}
