import { existsSync, readFileSync } from 'node:fs'
import { addressForms, brokerAddressOf } from './broker/address.ts'
import { type Origins, parseOrigins } from './origins.ts'

/** Every setting, once: its type, default, and what it means. Names in the environment are PLIMSOLL_ and capitals. */
const schema = {
  data: text('.plimsoll', 'Folder that holds everything: stores, tokens, addresses.'),
  host: text('127.0.0.1', 'Address to listen on. 0.0.0.0 for all; put TLS in front of it then.'),
  port: port(7070, 'Port of the platform: ingest, dashboard API and console. 0 takes a free one.'),
  watcherPort: port(7071, 'Port of the watcher: /health, /ready, the last known state. 0 takes a free one.'),
  healthPort: port(
    7072,
    'Port of the platform’s own /health, /ready, /startup, from a thread of its own. 0 takes a free one.'
  ),
  databaseUrl: secret('', 'postgres://… of the primary store. Empty: embedded, in the data folder.'),
  readDatabaseUrl: secret('', 'postgres://… of the read store. Empty: the primary’s server, else embedded.'),
  metadataUrl: secret('', 'Where the metadata API answers. Empty: the platform runs its own.'),
  metadataPort: port(0, 'Port of the platform’s own metadata API, on 127.0.0.1.'),
  usersUrl: httpAddress(
    '',
    'http://… of users, whom metadata and feed follow when they run by themselves. Empty: metadata knows the demo’s users and whom it is told of, feed no users’ events.'
  ),
  usersMasterKey: masterKey(
    '',
    'Wraps the keys that personal data of users is sealed with: 32 bytes as base64url. Empty: the file users-key in the data folder.'
  ),
  brokerUrl: broker(
    '',
    'Address of a broker that is told of each event once it is stored: redis://…, amqp://…, nats://…, kafka://… or pubsub-emulator://…. Empty: none.'
  ),
  brokerTopic: topic('plimsoll.telemetry', 'Topic of that broker. With another one all is published again.'),
  brokerFrom: choice(
    'start',
    ['start', 'end'],
    'Where a topic begins that was not published to before: with all that is in the log, or with what comes next.'
  ),
  spoolBytes: bytes(
    256_000_000,
    'How much of the disk may keep events while the primary store is away. 0: none, they are refused.'
  ),
  keepEventsDays: days(
    0,
    'How long events are kept in the log; then they go, some 50 days of them at a time. Counts stay. 0: for ever.'
  ),
  billingUnitPrice: whole(
    0,
    'What one billable session costs, whole, in the smallest unit of the currency. On an invoice it stays what it was.',
    n => n <= 1_000_000,
    'a whole number, 0 to 1000000'
  ),
  billingCurrency: currency('EUR', 'Of prices and invoices: three capitals, as ISO 4217 has them.'),
  origins: origins(
    '*',
    'Whose pages may post events: * for any, none, or origins with commas between, as https://shop.example.'
  ),
  faultKnobs: flag(
    false,
    'Lets drills make the metadata API slow, failing or mute, block the event loop, hold the store and take it away. Never in production.'
  ),
  policies: flag(
    true,
    'Timeouts, breaker, bulkhead and cache around the metadata API. Off only to see what they prevent.'
  ),
  demo: flag(
    true,
    'On a first start with an empty store: a week of generated traffic in a project named demo, then live.'
  ),
  drainDelayMs: milliseconds(
    0,
    'Told to stop: how long it still serves while /ready says no, so that balancers notice.'
  ),
  drainTimeoutMs: milliseconds(20_000, 'Told to stop: how long it may take to finish what it has begun.'),
  otlpEndpoint: httpAddress(
    '',
    'http://… of an OpenTelemetry collector, without a path: traces and metrics go there as OTLP/HTTP JSON. Empty: nowhere.'
  ),
  watcherUrl: httpAddress(
    '',
    'http://… where people reach the watcher, for links in the console and in alerts. Empty: where it listens.'
  ),
  alertsWebhookUrl: hook('', 'http://… that is told of incidents, as signed JSON. Empty: none.'),
  alertsWebhookSecret: secret(
    '',
    'Signs what the webhook is told: whsec_ and base64, or any text. Empty: the file webhook-secret in the data folder.'
  ),
  alertsSmtpUrl: mailServer(
    '',
    'smtp://user:password@host:587 or smtps://host:465 of a mail server that sends letters about incidents. Empty: none.'
  ),
  alertsFrom: text('', 'Whom letters about incidents are from, as plimsoll@example.com.'),
  alertsTo: text('', 'Whom they go to: an address, or several with commas between.'),
  alertsAfterMs: milliseconds(15_000, 'How long a cause must have stood before an incident is opened and told.'),
  alertsCloseAfterMs: milliseconds(120_000, 'How long nothing must have been wrong before it is over.'),
  logLevel: choice('warn', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'How much the log says.')
} as const

export type SettingName = keyof typeof schema
export type Settings = { [K in SettingName]: ReturnType<(typeof schema)[K]['parse']> }
export type Source = 'default' | 'file' | 'environment' | 'flag'

interface Setting<T> {
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

function text(fallback: string, help: string): Setting<string> {
  return {
    default: fallback,
    help,
    secret: false,
    parse: value => (typeof value === 'string' ? value : complain('text'))
  }
}
function secret(fallback: string, help: string): Setting<string> {
  return { ...text(fallback, help), secret: true }
}
function masterKey(fallback: string, help: string): Setting<string> {
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
function httpAddress(fallback: string, help: string): Setting<string> {
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
function hook(fallback: string, help: string): Setting<string> {
  return { ...httpAddress(fallback, help), shown: value => `${new URL(value).protocol}//${new URL(value).host}/***` }
}
function mailServer(fallback: string, help: string): Setting<string> {
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
function broker(fallback: string, help: string): Setting<string> {
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
function topic(fallback: string, help: string): Setting<string> {
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
function port(fallback: number, help: string): Setting<number> {
  return whole(fallback, help, n => n <= 65_535, 'a port, 0 to 65535')
}
function milliseconds(fallback: number, help: string): Setting<number> {
  return whole(fallback, help, n => n <= 600_000, 'whole milliseconds, 0 to 600000')
}
function bytes(fallback: number, help: string): Setting<number> {
  return whole(fallback, help, n => n === 0 || n >= 1_000_000, 'whole bytes, 0 or at least 1000000')
}
function days(fallback: number, help: string): Setting<number> {
  return whole(fallback, help, n => n === 0 || (n >= 35 && n <= 36_500), 'whole days, 0 or 35 to 36500')
}
/** A whole number that is not negative, as one or as its digits. */
function whole(fallback: number, help: string, fits: (n: number) => boolean, expected: string): Setting<number> {
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
function currency(fallback: string, help: string): Setting<string> {
  return {
    default: fallback,
    help,
    secret: false,
    parse: value => (typeof value === 'string' && /^[A-Z]{3}$/.test(value) ? value : complain('three capitals, as EUR'))
  }
}
function origins(fallback: Origins, help: string): Setting<Origins> {
  return { default: fallback, help, secret: false, parse: parseOrigins }
}
function flag(fallback: boolean, help: string): Setting<boolean> {
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
function choice<T extends string>(fallback: T, choices: readonly T[], help: string): Setting<T> {
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

/** Whether its value is never shown. */
export const isSecret = (name: SettingName): boolean => schema[name].secret

export const settingNames = Object.keys(schema) as SettingName[]
export const environmentName = (name: SettingName) => `PLIMSOLL_${name.replace(/[A-Z]/g, c => `_${c}`).toUpperCase()}`
/** Variables that share the prefix and are not settings: of tests and of commands. */
const otherVariables = new Set([
  'PLIMSOLL_TEST',
  'PLIMSOLL_FAIL_ON_SKIP',
  'PLIMSOLL_DATABASE_TEMPLATE',
  'PLIMSOLL_CHILD'
])

export interface Resolved {
  settings: Settings
  sources: Record<SettingName, Source>
}

export interface ResolveOptions {
  /** A JSON file; when not given, `plimsoll.json` in the working folder if it is there. */
  file?: string | undefined
  environment?: NodeJS.ProcessEnv
  flags?: Partial<Record<SettingName, unknown>>
}

/** Default, then file, then environment, then flags. An unknown key anywhere is an error, not a surprise later. */
export function resolveSettings({ file, environment = process.env, flags = {} }: ResolveOptions = {}): Resolved {
  const settings = {} as Record<SettingName, unknown>
  const sources = {} as Record<SettingName, Source>
  for (const name of settingNames) {
    settings[name] = schema[name].default
    sources[name] = 'default'
  }
  const take = (name: string, value: unknown, source: Source, where: string) => {
    if (!Object.hasOwn(schema, name)) {
      throw new SettingError(`${where}: there is no setting "${name}"; \`plimsoll config\` lists them all`)
    }
    try {
      settings[name as SettingName] = schema[name as SettingName].parse(value)
      sources[name as SettingName] = source
    } catch (error) {
      throw new SettingError(`${where}: ${name} ${(error as Error).message}`)
    }
  }
  for (const [name, value] of Object.entries(readFile(file))) take(name, value, 'file', file ?? 'plimsoll.json')
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('PLIMSOLL_') || otherVariables.has(variable) || value === undefined) continue
    const name = settingNames.find(n => environmentName(n) === variable)
    take(name ?? variable, value, 'environment', `environment variable ${variable}`)
  }
  for (const [name, value] of Object.entries(flags)) if (value !== undefined) take(name, value, 'flag', `--${name}`)
  return { settings: settings as unknown as Settings, sources }
}

function readFile(file: string | undefined): Record<string, unknown> {
  const path = file ?? 'plimsoll.json'
  if (file === undefined && !existsSync(path)) return {}
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new SettingError(`${path}: ${(error as Error).message}`)
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed))
    throw new SettingError(`${path}: must hold a JSON object`)
  return parsed as Record<string, unknown>
}

/** What is in force and where it came from. The secret part of an address is never shown. */
export function describeSettings({
  settings,
  sources
}: Resolved): { name: SettingName; value: unknown; source: Source; help: string }[] {
  return settingNames.map(name => ({
    name,
    value: schema[name].secret && settings[name] !== '' ? shown(name, String(settings[name])) : settings[name],
    source: sources[name],
    help: schema[name].help
  }))
}

function shown(name: SettingName, value: string): string {
  const setting: Setting<unknown> = schema[name]
  return setting.shown?.(value) ?? withoutPassword(value)
}

function withoutPassword(url: string): string {
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
