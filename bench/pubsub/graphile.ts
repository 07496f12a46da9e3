import { randomUUID } from 'node:crypto'
import type { Database } from '@plimsoll/database'
import { Logger, makeWorkerUtils, run } from 'graphile-worker'
import { countdown, data, type Rival, times } from './rival.ts'

/** A group is a task of its own, and gets a job of its own. */
export async function graphile(connectionString: string, database: Database): Promise<Rival> {
  // A line a job on the console is not what is measured.
  const logger = new Logger(() => () => undefined)
  const utils = await makeWorkerUtils({ connectionString, maxPoolSize: 16, logger })
  await utils.migrate()
  const key = (ids: boolean) => (ids ? { jobKey: randomUUID() } : {})
  return {
    name: 'graphile-worker',
    load: 1,
    publish(count, groups, ids = false) {
      if (count * groups === 1) return utils.addJob('bench0', data, key(ids))
      const jobs = times(groups, g =>
        times(count, () => ({ identifier: `bench${g}`, payload: data, ...key(ids) }))
      ).flat()
      return utils.addJobs(jobs)
    },
    async consume(count, batch, groups, handled) {
      const { done, one } = countdown(count * groups)
      const task = async () => {
        handled(1)
        one()
      }
      // What its own documents recommend for speed: a local queue, and completions together.
      const fast = { localQueue: { size: Math.min(500, batch) }, completeJobBatchDelay: 0, failJobBatchDelay: 0 }
      const runner = await run({
        connectionString,
        concurrency: batch > 1 ? 24 : 16,
        maxPoolSize: 16,
        noHandleSignals: true,
        pollInterval: 100,
        taskList: Object.fromEntries(times(groups, g => [`bench${g}`, task])),
        logger,
        preset: { worker: batch > 1 ? fast : {} }
      })
      await done
      await runner.stop()
    },
    clear: () => database.exec('truncate graphile_worker._private_jobs, graphile_worker._private_job_queues'),
    close: async () => void (await utils.release())
  }
}
