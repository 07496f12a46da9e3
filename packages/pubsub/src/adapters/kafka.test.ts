import { fileURLToPath } from 'node:url'
import { openScratch } from '@plimsoll/database/testing'
import { pubsubConformance } from '../conformance.ts'
import { kafkaBroker, kafkaCapabilities } from './kafka.ts'
import { startEngine, startWay, withEngine } from './started-engine.ts'

const program = fileURLToPath(new URL('../../../../deploy/engines/kafka/program', import.meta.url))

withEngine('kafka', program, [], () => {
  pubsubConformance('Kafka', kafkaCapabilities, { engine: true, network: true }, async () => {
    const [database, engine] = await Promise.all([openScratch(), startEngine('kafka')])
    const way = await startWay(engine.port)
    return {
      database,
      connect: () => kafkaBroker({ url: engine.url, partitions: 4 }),
      process: { module: new URL('./connected-kafka-worker.ts', import.meta.url), argument: engine.url },
      engine: { kill: () => engine.kill('kafka.pid'), start: engine.start },
      network: {
        // The broker says where it is, and would be reached past the way that is cut.
        connect: () => {
          const route = ({ host }: { host: string }) => ({ host, port: way.port })
          return kafkaBroker({ url: `127.0.0.1:${way.port}`, partitions: 4, route })
        },
        cut: way.cut,
        mend: way.mend
      },
      close: async () => {
        await database.close()
        await way.close()
        await engine.stop()
      }
    }
  })
})
