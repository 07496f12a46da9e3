import type { Random } from './random.ts'

const strings = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\u202e\u0000\ufffe',
  'ﷺ'.repeat(300),
  'e\u0301'.repeat(150),
  "'; drop table telemetry.sessions; --",
  '../../../etc/passwd',
  '%00',
  'constructor',
  '__proto__',
  'null',
  'NaN',
  '9999-12-31T23:59:59.999-23:59',
  '0000-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-13-01T25:61:61Z',
  '+275760-09-13T00:00:00.000Z',
  '1969-12-31T23:59:59Z',
  '00000000-0000-0000-0000-000000000000',
  'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF'
]
const numbers = [
  0,
  -0,
  -1,
  1,
  0.1,
  99,
  100,
  599,
  600,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  2 ** 63,
  1e308,
  -1e308,
  5e-324,
  86_400_000,
  86_400_000.5
]

type Spoil = (value: unknown, random: Random) => unknown

/** One fault inside a JSON value that is JSON all the same. */
export const valueSpoils: Record<string, Spoil> = {
  'wrong type': (value, random) =>
    at(value, random, part =>
      random.pick(
        [null, true, 7, 'text', [], {}, [[]], [part], { part }].filter(
          other => typeof other !== typeof part || other === null
        )
      )
    ),
  'missing property': (value, random) =>
    at(value, random, part => {
      if (!isRecord(part)) return undefined
      const gone = random.pick([...Object.keys(part), ''])
      return Object.fromEntries(Object.entries(part).filter(([name]) => name !== gone))
    }),
  'extra property': (value, random) =>
    at(value, random, part =>
      isRecord(part)
        ? { ...part, [random.pick(['extra', '', 'constructor', 'toString', '\0', 'x'.repeat(5_000)])]: part }
        : [part]
    ),
  'boundary number': (value, random) => at(value, random, () => random.pick(numbers)),
  'odd string': (value, random) => at(value, random, () => random.pick(strings)),
  'huge string': (value, random) =>
    at(value, random, () => random.pick(['x', '\u0001', '😀']).repeat(random.pick([256, 20_000, 60_000]))),
  'deep nesting': (value, random) => {
    const depth = random.pick([15, 16, 17, 100, 5_000])
    // As text: a stack is what deep nesting is after, and ours must not be the one.
    return new Deep(
      value,
      random.pick([
        ['[', ']'],
        ['{"a":', '}']
      ]),
      depth
    )
  },
  many: (value, random) =>
    (JSON.stringify(value) ?? '').length > 2_000
      ? [value, value]
      : Array.from({ length: random.pick([0, 1, 499, 500, 501, 3_000]) }, () =>
          Array.isArray(value) ? value[0] : value
        )
}

/** A value whose JSON is too deep for `JSON.stringify`. */
export class Deep {
  readonly json: string
  constructor(value: unknown, [open, close]: string[], depth: number) {
    const nested = `${open!.repeat(depth)}1${close!.repeat(depth)}`
    const json = JSON.stringify(value) ?? '{}'
    this.json = json.includes('"data":{')
      ? json.replace('"data":{', `"data":{"deep":${nested},`).replace(',}', '}')
      : json.startsWith('{')
        ? json.replace(/^\{/, `{"data":{"deep":${nested}},`).replace(',}', '}')
        : nested
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value with one part of it, at any depth, made another. */
function at(value: unknown, random: Random, change: (part: unknown) => unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && random.chance(0.9)) {
    const place = random.whole(0, value.length - 1)
    return value.map((part: unknown, n) => (n === place ? at(part, random, change) : part))
  }
  if (isRecord(value) && Object.keys(value).length > 0 && random.chance(0.8)) {
    const name = random.pick(Object.keys(value))
    return { ...value, [name]: at(value[name], random, change) }
  }
  return change(value)
}
