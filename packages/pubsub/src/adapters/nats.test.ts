import { openScratch } from '@plimsoll/database/testing'
import { pubsubConformance } from '../conformance.ts'
import { natsBroker, natsCapabilities } from './nats.ts'
import { startEngine, startWay, withEngine } from './started-engine.ts'

withEngine('nats', 'nats-server', ['--version'], () => {
  pubsubConformance('NATS JetStream', natsCapabilities, { engine: true, network: true }, async () => {
    const [database, engine] = await Promise.all([openScratch(), startEngine('nats')])
    const way = await startWay(engine.port)
    return {
      database,
      connect: () => natsBroker({ url: engine.url, partitions: 4 }),
      process: { module: new URL('./connected-nats-worker.ts', import.meta.url), argument: engine.url },
      engine: { kill: () => engine.kill('nats.pid'), start: engine.start },
      network: {
        connect: () => natsBroker({ url: `nats://127.0.0.1:${way.port}`, partitions: 4 }),
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
