import { addressForms, brokerAddressOf } from './broker/address.ts'
import { type Origins, parseOrigins } from './origins.ts'

/** The kinds of settings: how each is read and refused, and whether and how it is shown. */

export interface Setting<T> {
  default: T
  help: string
  secret: boolean
  /** How a secret that is set is shown. Default: as an address without its password. */
  shown?(value: string): string
  parse(value: unknown): T
}

/** A setting that is not what it must be. The message names it and where it came from. */
export class SettingError extends Error {
  override name = 'SettingError'
  readonly code = 'PLIMSOLL_BAD_SETTING'
}

export function text(fallback: string, help: string): Setting<string> {
  return {
    default: fallback,
    help,
    secret: false,
    parse: value => (typeof value === 'string' ? value : complain('text'))
  }
}
export function secret(fallback: string, help: string): Setting<string> {
  return { ...text(fallback, help), secret: true }
}
export function masterKey(fallback: string, help: string): Setting<string> {
  return {
    default: fallback,
    help,
    secret: true,
    parse: value =>
      value === '' || (typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value))
        ? value
        : complain('32 bytes as base64url, 43 characters')
  }
}
export function httpAddress(fallback: string, help: string): Setting<string> {
  return {
    default: fallback,
    help,
    secret: true,
    parse(value) {
      const isHttp = typeof value === 'string' && URL.canParse(value) && /^https?:\/\//.test(value)
      return value === '' || isHttp ? (value as string) : complain('an address, http://… or https://…')
    }
  }
}
/** An address whose path may be all the secret there is. */
export function hook(fallback: string, help: string): Setting<string> {
  return { ...httpAddress(fallback, help), shown: value => `${new URL(value).protocol}//${new URL(value).host}/***` }
}
export function mailServer(fallback: string, help: string): Setting<string> {
  return {
    default: fallback,
    help,
    secret: true,
    parse(value) {
      const isMail = typeof value === 'string' && URL.canParse(value) && /^smtps?:\/\/[^/]/.test(value)
      return value === '' || isMail ? (value as string) : complain('an address, smtp://… or smtps://…')
    }
  }
}
export function broker(fallback: string, help: string): Setting<string> {
  return {
    default: fallback,
    help,
    secret: true,
    // Several hosts are no URL, and have no secret in them.
    shown: value => (value.includes(',') ? value : withoutPassword(value)),
    parse: value =>
      value === '' || (typeof value === 'string' && brokerAddressOf(value))
        ? value
        : complain(`an address of a broker that is known: ${addressForms}`)
  }
}
export function topic(fallback: string, help: string): Setting<string> {
  return {
    default: fallback,
    help,
    secret: false,
    parse: value =>
      typeof value === 'string' && /^[a-z0-9][a-z0-9_.-]{0,79}$/.test(value)
        ? value
        : complain('1 to 80 lower-case letters, digits, "_", "." and "-"')
  }
}
export function port(fallback: number, help: string): Setting<number> {
  return whole(fallback, help, n => n <= 65_535, 'a port, 0 to 65535')
}
export function milliseconds(fallback: number, help: string): Setting<number> {
  return whole(fallback, help, n => n <= 600_000, 'whole milliseconds, 0 to 600000')
}
export function bytes(fallback: number, help: string): Setting<number> {
  return whole(fallback, help, n => n === 0 || n >= 1_000_000, 'whole bytes, 0 or at least 1000000')
}
export function days(fallback: number, help: string): Setting<number> {
  return whole(fallback, help, n => n === 0 || (n >= 35 && n <= 36_500), 'whole days, 0 or 35 to 36500')
}
/** A whole number that is not negative, as one or as its digits. */
export function whole(fallback: number, help: string, fits: (n: number) => boolean, expected: string): Setting<number> {
  return {
    default: fallback,
    help,
    secret: false,
    parse(value) {
      const n = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
      return typeof n === 'number' && Number.isSafeInteger(n) && n >= 0 && fits(n) ? n : complain(expected)
    }
  }
}
export function currency(fallback: string, help: string): Setting<string> {
  return {
    default: fallback,
    help,
    secret: false,
    parse: value => (typeof value === 'string' && /^[A-Z]{3}$/.test(value) ? value : complain('three capitals, as EUR'))
  }
}
export function origins(fallback: Origins, help: string): Setting<Origins> {
  return { default: fallback, help, secret: false, parse: parseOrigins }
}
export function flag(fallback: boolean, help: string): Setting<boolean> {
  return {
    default: fallback,
    help,
    secret: false,
    parse(value) {
      if (typeof value === 'boolean') return value
      if (value === 'true' || value === '1') return true
      if (value === 'false' || value === '0') return false
      return complain('true or false')
    }
  }
}
export function choice<T extends string>(fallback: T, choices: readonly T[], help: string): Setting<T> {
  return {
    default: fallback,
    help: `${help} One of ${choices.join(', ')}.`,
    secret: false,
    parse: value => choices.find(c => c === value) ?? complain(`one of ${choices.join(', ')}`)
  }
}
function complain(expected: string): never {
  throw new SettingError(`must be ${expected}`)
}

/** An address as it may be shown; what is no address for sure is not shown at all. */
export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url)
    // What only looks like an address, such as "host:5432 password=…", is not known to have its secret where a URL has.
    if (!url.startsWith(`${parsed.protocol}//`)) return '***'
    if (parsed.password !== '') parsed.password = '***'
    // A password can also hide among the parameters.
    for (const key of [...parsed.searchParams.keys()]) if (/pass/i.test(key)) parsed.searchParams.set(key, '***')
    return parsed.href
  } catch {
    return '***'
  }
}
