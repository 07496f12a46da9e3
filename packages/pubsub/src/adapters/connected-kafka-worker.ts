import { kafkaBroker } from './kafka.ts'

/** For consumers in processes of their own, in tests. */
export default (argument: unknown) => kafkaBroker({ url: argument as string, partitions: 4 })
