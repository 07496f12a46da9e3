/** Whose pages may post events: any, none, or these, each as a browser sends it in `Origin`. */
export type Origins = '*' | 'none' | readonly string[]

/** More are a sign that any would do; each request looks through all of them. */
const most = 100

/**
 * From `*`, `none`, or a list: in a file an array too, else with commas.
 * @throws RangeError that says what is no origin, and where it can be told, which origin was meant
 */
export function parseOrigins(value: unknown): Origins {
  if (value === '*' || value === 'none') return value
  const listed = typeof value === 'string' ? value.split(',').map(part => part.trim()) : value
  if (!Array.isArray(listed) || listed.length === 0 || listed.length > most || listed.some(part => part === '')) {
    throw new RangeError(
      `must be *, none, or at most ${most} origins with commas between, such as https://shop.example,http://localhost:3000`
    )
  }
  for (const origin of listed)
    if (!isOrigin(origin)) throw new RangeError(`must be a list of origins; ${whyNot(origin)}`)
  return [...new Set(listed as string[])]
}

/** What the telemetry service is told: undefined is any. */
export function allowedOrigins(origins: Origins): readonly string[] | undefined {
  if (origins === '*') return undefined
  return origins === 'none' ? [] : origins
}

/** Browsers send an origin in one form only, and it is compared as text. */
function isOrigin(value: unknown): value is string {
  return typeof value === 'string' && originOf(value) === value
}

function originOf(value: string): string | undefined {
  if (!/^https?:\/\/[^*]+$/i.test(value)) return undefined
  return URL.parse(value)?.origin
}

function whyNot(value: unknown): string {
  if (typeof value !== 'string') return 'one of them is no text'
  const meant = originOf(value)
  return meant === undefined
    ? 'each is http:// or https://, one host without a *, and a port unless it is the usual one'
    : `${meant} is one, with a path, a name or another spelling it is not`
}
