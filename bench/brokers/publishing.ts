import type { PubSub } from '@plimsoll/pubsub'
import { rate } from '../eventlog/turns.ts'
import { data, times } from '../pubsub/rival.ts'
import type { BareClient, Order } from './bare.ts'

export const publishWays = [
  { title: 'published one by one, 16 callers', callers: 16, count: 1 },
  { title: 'published in batches of 100, 4 callers', callers: 4, count: 100 },
  { title: 'published in batches of 1,000, 4 callers', callers: 4, count: 1_000 }
] as const

type PublishWay = (typeof publishWays)[number]

/** Messages in a second, each side on a topic of its own that our adapter has made. */
export function publishing(way: PublishWay, publish: (orders: readonly Order[]) => Promise<unknown>) {
  let made = 0
  const orders = () => times(way.count, () => ({ key: `customer-${made++ % 1_000}`, data }))
  return rate(way.callers, way.count, () => publish(orders()))
}

export const oursPublishes = (pubsub: PubSub, topic: string) => (orders: readonly Order[]) =>
  pubsub.publish(
    topic,
    orders.map(({ key, data }) => ({ key, type: 'order.placed', data }))
  )

export const barePublishes = (bare: BareClient, topic: string) => (orders: readonly Order[]) =>
  bare.publish(topic, orders)
