import { rabbitBroker } from './rabbitmq.ts'

/** For consumers in processes of their own, in tests. */
export default (argument: unknown) => rabbitBroker({ url: argument as string, partitions: 4, settleMs: 0 })
