import type { BrokerName } from './brokers.ts'

/** What a process of a run is told. */
export interface ProducerOrder {
  broker: BrokerName
  url: string
  /** Of the consumers; the log lives in it. */
  databaseUrl: string
  name: string
  journal: string
  paceMs: number
}

export interface ConsumerOrder {
  broker: BrokerName
  url: string
  databaseUrl: string
  group: string
}

export const topic = 'chaos'
export const groups = ['one', 'two'] as const
export const leaseMs = 1_500

/** Keys of one producer. Nobody else writes to them: their order is its own. */
export const keysOf = (producer: string): string[] => Array.from({ length: 5 }, (_, k) => `${producer}-k${k}`)
