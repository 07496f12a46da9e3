import { existsSync, readFileSync } from 'node:fs'
import {
  broker,
  bytes,
  choice,
  currency,
  days,
  flag,
  hook,
  httpAddress,
  mailServer,
  masterKey,
  milliseconds,
  origins,
  port,
  type Setting,
  SettingError,
  secret,
  text,
  topic,
  whole,
  withoutPassword
} from './setting-kinds.ts'

export { SettingError } from './setting-kinds.ts'

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
