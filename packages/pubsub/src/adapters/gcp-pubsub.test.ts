import { fileURLToPath } from 'node:url'
import { openScratch } from '@plimsoll/database/testing'
import { pubsubConformance } from '../conformance.ts'
import { gcpBroker, gcpCapabilities } from './gcp-pubsub.ts'
import { startEngine, startWay, withEngine } from './started-engine.ts'

const program = fileURLToPath(new URL('../../../../deploy/engines/gcp-pubsub/program', import.meta.url))

withEngine('gcp-pubsub', program, [], () => {
  // Google's fake keeps nothing when it is killed, which the service never does.
  pubsubConformance('GCP Pub/Sub', gcpCapabilities, { engine: false, network: true }, async () => {
    const [database, engine] = await Promise.all([openScratch(), startEngine('gcp-pubsub')])
    const way = await startWay(engine.port)
    const connect = (url: string) => gcpBroker({ url, project: 'test', partitions: 4, ackDeadlineSeconds: 1 })
    return {
      database,
      connect: () => connect(engine.url),
      process: { module: new URL('./connected-gcp-worker.ts', import.meta.url), argument: engine.url },
      network: { connect: () => connect(`http://127.0.0.1:${way.port}`), cut: way.cut, mend: way.mend },
      close: async () => {
        await database.close()
        await way.close()
        await engine.stop()
      }
    }
  })
})
