import type { Schema } from './schema.ts'

/**
 * `backward`: a reader of the new version understands what was written with the one before (deploy readers first).
 * `forward`: a reader of the one before understands what is written with the new one (deploy writers first). `full`: both.
 * The names are those of Confluent's schema registry.
 */
export type Compatibility = 'backward' | 'forward' | 'full' | 'none'

/** One sentence for each reason why the two are not compatible. */
export function compatibilityFaults(before: Schema, after: Schema, mode: Compatibility): string[] {
  const faults: string[] = []
  if (mode === 'backward' || mode === 'full') faults.push(...unreadable(before, after, 'data', 'the new version'))
  if (mode === 'forward' || mode === 'full') faults.push(...unreadable(after, before, 'data', 'the version before'))
  return faults
}

/** What may be written with `writer` and is refused by `reader`. */
function unreadable(writer: Schema, reader: Schema, at: string, who: string): string[] {
  if (reader.type === 'any') return []
  const widened = writer.type === 'integer' && reader.type === 'number'
  if (writer.type !== reader.type && !widened) {
    return [`${at} is written as ${writer.type} and ${who} reads ${reader.type}`]
  }
  if ('enum' in reader) {
    if (!('enum' in writer)) return [`${at} may be any string and ${who} reads ${reader.enum.join(', ')} only`]
    const unknown = writer.enum.filter(value => !reader.enum.includes(value))
    return unknown.length === 0 ? [] : [`${at} may be ${unknown.join(', ')}, which ${who} does not know`]
  }
  if ('items' in writer && 'items' in reader) return unreadable(writer.items, reader.items, `${at}[]`, who)
  if (!('properties' in writer && 'properties' in reader)) return []
  const faults: string[] = []
  for (const name of reader.required ?? []) {
    if (!writer.required?.includes(name)) faults.push(`${at}.${name} may be absent and ${who} requires it`)
  }
  for (const [name, property] of Object.entries(reader.properties)) {
    const written = writer.properties[name]
    if (written) faults.push(...unreadable(written, property, `${at}.${name}`, who))
  }
  return faults
}
