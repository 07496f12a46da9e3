import { redisBroker } from './redis.ts'

/** For consumers in processes of their own, in tests. */
export default (argument: unknown) => redisBroker({ url: argument as string, partitions: 4 })
