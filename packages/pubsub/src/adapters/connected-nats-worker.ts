import { natsBroker } from './nats.ts'

/** For consumers in processes of their own, in tests. */
export default (argument: unknown) => natsBroker({ url: argument as string, partitions: 4 })
