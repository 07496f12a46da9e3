import type { Broker } from '@plimsoll/pubsub'
import { SettingError } from '../settings.ts'
import type { BrokerAddress, BrokerKind } from './address.ts'

type Connect = (url: string) => Promise<Broker>

/** Each is loaded with its client library only where an address asks for it. */
const adapters: Record<BrokerKind, () => Promise<Connect>> = {
  async redis() {
    const { redisBroker } = await import('@plimsoll/pubsub/redis')
    return url => redisBroker({ url })
  },
  async nats() {
    const { natsBroker } = await import('@plimsoll/pubsub/nats')
    return url => natsBroker({ url })
  },
  async rabbitmq() {
    const { rabbitBroker } = await import('@plimsoll/pubsub/rabbitmq')
    return url => rabbitBroker({ url })
  },
  async kafka() {
    const { kafkaBroker } = await import('@plimsoll/pubsub/kafka')
    return url => kafkaBroker({ url })
  },
  async pubsub() {
    const { gcpBroker } = await import('@plimsoll/pubsub/gcp')
    return url => {
      const { host, pathname } = new URL(url)
      return gcpBroker({ url: `http://${host}`, project: pathname.slice(1) })
    }
  }
}

/**
 * Loads what the address needs. The broker itself need not be there: it is connected to by what this resolves with.
 * @throws SettingError when the client library is not installed
 */
export async function connectTo(
  { kind, url }: BrokerAddress,
  load: () => Promise<Connect> = adapters[kind]
): Promise<() => Promise<Broker>> {
  try {
    const connect = await load()
    return () => connect(url)
  } catch (error) {
    const missing = missingPackage(error)
    if (missing === undefined) throw error
    throw new SettingError(
      `brokerUrl: a broker of the kind ${kind} needs the package ${missing}, which is not installed: npm install ${missing}`
    )
  }
}

function missingPackage(error: unknown): string | undefined {
  if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') return undefined
  return /Cannot find package '([^']+)'/.exec((error as Error).message)?.[1]
}
