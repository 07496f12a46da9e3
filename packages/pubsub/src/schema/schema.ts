/** A small part of JSON Schema: what compatibility can be decided for. Unlisted properties are allowed. */
export type Schema =
  | { readonly type: 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'any' }
  | { readonly type: 'string'; readonly enum: readonly string[] }
  | { readonly type: 'array'; readonly items: Schema }
  | {
      readonly type: 'object'
      readonly properties: Readonly<Record<string, Schema>>
      readonly required?: readonly string[]
    }

/** One sentence for each place where the value is not what the schema says; ten at most. */
export function violations(schema: Schema, value: unknown, at = 'data'): string[] {
  if (schema.type === 'any') return []
  if (!isOfType(schema.type, value)) return [`${at} is not a value of type ${schema.type}`]
  if ('enum' in schema && !schema.enum.includes(value as string))
    return [`${at} is not one of ${schema.enum.join(', ')}`]
  const found: string[] = []
  if ('items' in schema) {
    for (const [i, item] of (value as unknown[]).entries()) {
      found.push(...violations(schema.items, item, `${at}[${i}]`))
      if (found.length >= 10) break
    }
  }
  if ('properties' in schema) {
    const record = value as Record<string, unknown>
    for (const name of schema.required ?? []) if (record[name] === undefined) found.push(`${at}.${name} is missing`)
    for (const [name, property] of Object.entries(schema.properties)) {
      if (record[name] !== undefined) found.push(...violations(property, record[name], `${at}.${name}`))
    }
  }
  return found.slice(0, 10)
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}
