import { openScratch } from '@plimsoll/database/testing'
import { pubsubConformance } from '../conformance.ts'
import { redisBroker, redisCapabilities } from './redis.ts'
import { startEngine, startWay, withEngine } from './started-engine.ts'

withEngine('redis', 'redis-server', ['--version'], () => {
  pubsubConformance('Redis Streams', redisCapabilities, { engine: true, network: true }, async () => {
    const [database, engine] = await Promise.all([openScratch(), startEngine('redis')])
    const way = await startWay(engine.port)
    return {
      database,
      connect: () => redisBroker({ url: engine.url, partitions: 4 }),
      process: { module: new URL('./connected-redis-worker.ts', import.meta.url), argument: engine.url },
      engine: { kill: () => engine.kill('redis.pid'), start: engine.start },
      network: {
        connect: () => redisBroker({ url: `redis://127.0.0.1:${way.port}`, partitions: 4 }),
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
