import { gcpBroker } from './gcp-pubsub.ts'

/** For consumers in processes of their own, in tests. */
export default (argument: unknown) =>
  gcpBroker({ url: argument as string, project: 'test', partitions: 4, ackDeadlineSeconds: 1 })
