/** Which brokers an address can be of. No client library is loaded here: the command line reads settings too. */

export type BrokerKind = 'redis' | 'nats' | 'rabbitmq' | 'kafka' | 'pubsub'

export interface BrokerAddress {
  kind: BrokerKind
  url: string
}

const kinds = {
  'redis:': 'redis',
  'rediss:': 'redis',
  'nats:': 'nats',
  'amqp:': 'rabbitmq',
  'amqps:': 'rabbitmq',
  'kafka:': 'kafka',
  'pubsub-emulator:': 'pubsub'
} as const satisfies Record<string, BrokerKind>

/** What an address may be, for people. */
export const addressForms =
  'redis[s]://[user:password@]host:port, amqp[s]://user:password@host:port, nats://host:port, kafka://host:port[,host:port…] or pubsub-emulator://host:port/project'

/** Of what the setting says; undefined when no adapter takes it. */
export function brokerAddressOf(url: string): BrokerAddress | undefined {
  const [first = ''] = url.split(',')
  if (!URL.canParse(first)) return undefined
  const { protocol, host, username, password, pathname } = new URL(first)
  if (host === '' || !Object.hasOwn(kinds, protocol)) return undefined
  const kind = kinds[protocol as keyof typeof kinds]
  if (kind !== 'kafka' && url.includes(',')) return undefined
  // Their adapters read no user from an address: it would be left out without a word.
  const hasUser = username !== '' || password !== '' || (kind === 'kafka' && url.includes('@'))
  if (hasUser && kind !== 'redis' && kind !== 'rabbitmq') return undefined
  if (kind === 'pubsub' && !/^\/[a-z][a-z0-9-]+$/.test(pathname)) return undefined
  return { kind, url }
}
