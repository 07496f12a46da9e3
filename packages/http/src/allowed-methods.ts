/** Which methods a path knows, for the `Allow` header of a 405: the router itself only answers for one method at a time. */
export class AllowedMethods {
  readonly #byPattern = new Map<string, { path: RegExp; methods: Set<string> }>()

  add(pattern: string, methods: string | string[]): void {
    const known = this.#byPattern.get(pattern) ?? { path: pathOf(pattern), methods: new Set() }
    for (const method of [methods].flat()) known.methods.add(method.toUpperCase())
    this.#byPattern.set(pattern, known)
  }

  /** Sorted; empty when no route has this path. A route for everything (`*`) does not count, it has no path of its own. */
  of(url: string): string[] {
    const path = url.replace(/[?#;].*$/s, '')
    const methods = [...this.#byPattern.values()]
      .filter(known => known.path.test(path))
      .flatMap(known => [...known.methods])
    return [...new Set(methods)].sort()
  }
}

const never = /(?!)/

function pathOf(pattern: string): RegExp {
  if (pattern === '*' || pattern === '/*') return never
  const segments = pattern.split('/').map(segment => {
    if (segment.endsWith('?') && segment.startsWith(':')) return '[^/]*'
    if (segment.includes(':')) return '[^/]+'
    return segment.split('*').map(RegExp.escape).join('.*')
  })
  return new RegExp(`^${segments.join('/')}$`, 's')
}
