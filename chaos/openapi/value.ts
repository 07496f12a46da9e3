import fc from 'fast-check'
import type { JsonSchema } from './document.ts'
import type { Random } from './random.ts'

/** What several requests share, so that they meet: the same events, sessions and users. */
export interface Known {
  ids: readonly string[]
  /** Times are around this one, in milliseconds since 1970. */
  now: number
}

const alphabets = [
  'abcdefghij',
  'abc012 -_.',
  'äöüßéñ',
  '漢字仮名',
  '😀🚢⚓',
  '"\\/<>&\'%;',
  '\u0001\u001f\u007f\u200f\ufeff\uffff'
]

/** A value that fits the schema, as a client in its right mind would send it. Sizes are small but for now and then. */
export function fittingValue(schema: JsonSchema, random: Random, known: Known): unknown {
  if (schema.anyOf) return fittingValue(random.pick(schema.anyOf), random, known)
  if (schema.enum) return random.pick(schema.enum)
  if (schema.const !== undefined) return schema.const
  switch (schema.type) {
    case 'object':
      return objectOf(schema, random, known)
    case 'array': {
      const least = schema.minItems ?? 0
      const most = Math.min(schema.maxItems ?? 50, random.chance(0.1) ? 50 : 4)
      return Array.from({ length: random.whole(least, Math.max(least, most)) }, () =>
        fittingValue(schema.items ?? {}, random, known)
      )
    }
    case 'string':
      return textOf(schema, random, known)
    case 'integer':
    case 'number':
      return numberOf(schema, random)
    case 'boolean':
      return random.chance(0.5)
    case 'null':
      return null
    default:
      return anything(random)
  }
}

function objectOf(schema: JsonSchema, random: Random, known: Known): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (schema.required?.includes(name) || random.chance(0.4)) value[name] = fittingValue(property, random, known)
  }
  const { additionalProperties: more } = schema
  if (more !== undefined && more !== false && random.chance(0.3)) {
    for (let left = random.whole(1, 4); left > 0; left--)
      value[`x${text(random, 1, 12)}`] = more === true ? anything(random) : fittingValue(more, random, known)
  }
  return value
}

function anything(random: Random, depth = 0): unknown {
  switch (random.whole(0, depth < 3 ? 6 : 4)) {
    case 0:
      return text(random, 0, 30)
    case 1:
      return random.whole(-1_000_000, 1_000_000)
    case 2:
      return random.next() * 10 ** random.whole(-20, 20)
    case 3:
      return random.chance(0.5)
    case 4:
      return null
    case 5:
      return Array.from({ length: random.whole(0, 3) }, () => anything(random, depth + 1))
    default:
      return { [text(random, 0, 8)]: anything(random, depth + 1) }
  }
}

/** As many as the document has patterns. */
const byPattern = new Map<string, fc.Arbitrary<string>>()
const isUuid = (pattern: string) => pattern.includes('{8}-') && pattern.includes('{12}')
/** Ids of users are few, so that most requests meet one that is there. */
const isUserId = (pattern: string) => pattern === '^[A-Za-z0-9][A-Za-z0-9._:|-]{0,99}$'
const isTime = (pattern: string) => pattern.startsWith('^\\d{4}-\\d\\d-\\d\\d')

function textOf({ pattern, format, minLength = 0, maxLength = 40 }: JsonSchema, random: Random, known: Known): string {
  if (format === 'date-time' || (pattern && isTime(pattern))) return timeOf(random, known.now)
  if (pattern && isUuid(pattern)) return idOf(random, known)
  if (pattern && isUserId(pattern)) return `user-${random.whole(1, 50)}`
  if (pattern) {
    let matching = byPattern.get(pattern)
    if (!matching) {
      matching = fc.stringMatching(new RegExp(pattern))
      byPattern.set(pattern, matching)
    }
    const [made] = fc.sample(matching, { numRuns: 1, seed: random.whole(0, 2 ** 31 - 1) })
    return made ?? ''
  }
  return text(random, minLength, random.chance(0.05) ? maxLength : Math.max(minLength, Math.min(maxLength, 24)))
}

/** Text that can be stored, of so many code points. */
export function text(random: Random, least: number, most: number): string {
  const letters = [...random.pick(alphabets)]
  return Array.from({ length: random.whole(least, most) }, () => random.pick(letters)).join('')
}

function idOf(random: Random, { ids, now }: Known): string {
  if (random.chance(0.5)) return random.pick(ids)
  return newId(random, now)
}

/** A UUID of version 7. */
export function newId(random: Random, now: number): string {
  const time = Math.max(0, now - random.whole(0, 3_600_000))
    .toString(16)
    .padStart(12, '0')
  const rest = Array.from({ length: 18 }, () => random.whole(0, 15).toString(16)).join('')
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-a${rest.slice(3, 6)}-${rest.slice(6)}`
  return random.chance(0.1) ? id.toUpperCase() : id
}

function timeOf(random: Random, now: number): string {
  const day = 86_400_000
  const at = now - Math.floor(random.next() ** 4 * 30 * day)
  const iso = new Date(at).toISOString()
  return random.pick([iso, iso, iso, iso.replace('Z', '+00:00'), `${iso.slice(0, 19)}z`, `${iso.slice(0, 23)}456Z`])
}

function numberOf({ type, minimum = -1_000_000, maximum = 1_000_000 }: JsonSchema, random: Random): number {
  if (random.chance(0.15)) return random.pick([minimum, maximum])
  return type === 'integer' ? random.whole(minimum, maximum) : minimum + random.next() * (maximum - minimum)
}
