import { IncompatibleSchemaError, SchemaViolationError } from '../errors.ts'
import { type Compatibility, compatibilityFaults } from './compatibility.ts'
import { type Schema, violations } from './schema.ts'

interface Registered {
  version: number
  schema: Schema
}

/**
 * The schemas of message types, by version. It is code, not a server: publishers and subscribers register what they know when
 * they start, and a version that would break the one before is refused there and then.
 */
export class SchemaRegistry {
  #types = new Map<string, Registered[]>()

  /**
   * Versions are registered in order, from 1.
   * @throws IncompatibleSchemaError when it breaks the version before; RangeError when versions are left out or repeated
   */
  register(type: string, version: number, schema: Schema, mode: Compatibility = 'backward'): this {
    const versions = this.#types.get(type) ?? []
    if (version !== versions.length + 1) {
      throw new RangeError(`the next version of "${type}" is ${versions.length + 1}, not ${version}`)
    }
    const before = versions.at(-1)
    const faults = before ? compatibilityFaults(before.schema, schema, mode) : []
    if (faults.length > 0) throw new IncompatibleSchemaError(`"${type}" version ${version}`, mode, faults)
    this.#types.set(type, [...versions, { version, schema }])
    return this
  }

  /**
   * Checks data against a version, the latest when none is named. Types that were never registered are not checked.
   * @throws SchemaViolationError, for a version that is not known too: it was written by a newer program
   */
  check(type: string, data: unknown, version?: number): Registered | undefined {
    const versions = this.#types.get(type)
    if (!versions) return
    const registered = version === undefined ? versions.at(-1)! : versions[version - 1]
    if (!registered) {
      throw new SchemaViolationError(`"${type}"`, [
        `version ${version} is not registered here; a newer program wrote it`
      ])
    }
    const faults = violations(registered.schema, data)
    if (faults.length > 0) throw new SchemaViolationError(`"${type}" version ${registered.version}`, faults)
    return registered
  }
}
