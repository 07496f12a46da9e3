import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openScratch } from '@plimsoll/database/testing'
import { until } from '../conformance/under-test.ts'
import { pubsubConformance } from '../conformance.ts'
import { rabbitBroker, rabbitCapabilities } from './rabbitmq.ts'
import { startEngine, startWay, withEngine } from './started-engine.ts'

withEngine('rabbitmq', 'test', ['-x', '/usr/lib/rabbitmq/bin/rabbitmq-server'], () => {
  pubsubConformance('RabbitMQ', rabbitCapabilities, { engine: true, network: true }, async () => {
    const [database, engine] = await Promise.all([openScratch(), startEngine('rabbitmq')])
    const way = await startWay(engine.port)
    const connect = (url: string) => rabbitBroker({ url, partitions: 4, settleMs: 0 })
    return {
      database,
      connect: () => connect(engine.url),
      process: { module: new URL('./connected-rabbitmq-worker.ts', import.meta.url), argument: engine.url },
      engine: {
        async kill() {
          // What `settleMs` waits for, seen from outside.
          await until('the new queues are known on disk', () => namesAreKept(engine.folder))
          await engine.kill('rabbitmq.pid')
        },
        start: engine.start
      },
      network: {
        connect: () => connect(engine.url.replace(String(engine.port), String(way.port))),
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

/** Each quorum queue has a folder, and its name must be in the register by which the server finds it again. */
function namesAreKept(folder: string): boolean {
  const [register] = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('names.dets')
  )
  if (!register) return false
  const path = join(folder, register)
  const kept = readFileSync(path, 'latin1')
  const folders = readdirSync(join(path, '..'), { withFileTypes: true }).filter(entry => entry.isDirectory())
  return folders.every(({ name }) => kept.includes(name))
}
