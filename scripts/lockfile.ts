export interface Lockfile {
  packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }>
}

/**
 * A sentence for each optional package that the lockfile names and does not hold. An `npm install` writes such a file when
 * the packages of another platform cannot be had where it runs; `npm ci` then refuses it, there or everywhere.
 */
export function missingOptional({ packages }: Lockfile): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies).flatMap(([name, version]) => {
      const places = [`${path}/node_modules/${name}`, `node_modules/${name}`]
      const held = places.some(place => packages[place]?.version !== undefined)
      return held ? [] : [`package-lock.json: ${path || 'the root'} wants ${name} ${version}, which is not in it`]
    })
  )
}
