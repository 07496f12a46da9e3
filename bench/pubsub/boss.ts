import { randomUUID } from 'node:crypto'
import { PgBoss } from 'pg-boss'
import { countdown, data, type Rival, times } from './rival.ts'

/** A group is a queue of its own, and gets a job of its own. */
export async function boss(connectionString: string): Promise<Rival> {
  const queue = new PgBoss({ connectionString, max: 16 })
  queue.on('error', () => undefined)
  await queue.start()
  const queues = ['bench0', 'bench1', 'bench2']
  for (const name of queues) await queue.createQueue(name)
  const id = (ids: boolean) => (ids ? { id: randomUUID() } : {})
  return {
    name: 'pg-boss',
    load: 1,
    publish: (count, groups, ids = false) =>
      Promise.all(
        queues.slice(0, groups).map(name => {
          if (count === 1) return queue.send(name, data, id(ids))
          const jobs = times(count, () => ({ data, ...id(ids) }))
          return queue.insert(name, jobs)
        })
      ),
    async consume(count, batch, groups, handled) {
      const { done, one } = countdown(count * groups)
      // Fetched as fast as it can be: its own worker would wait between looks.
      const worker = async (name: string) => {
        for (;;) {
          const jobs = await queue.fetch(name, { batchSize: batch })
          if (jobs.length === 0) return
          await queue.complete(
            name,
            jobs.map(job => job.id)
          )
          handled(jobs.length)
          for (const _ of jobs) one()
        }
      }
      const workers = batch > 1 ? 4 : 16
      await Promise.all(times(workers, i => worker(queues[i % groups]!)))
      // One that left early may have left its queue to the others: there is nothing in it any more when they end.
      await done
    },
    clear: () => Promise.all(queues.map(name => queue.deleteAllJobs(name))),
    close: async () => void (await queue.stop({ graceful: false }))
  }
}
