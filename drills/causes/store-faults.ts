import type { Fault } from './fault.ts'

/** Faults of the PostgreSQL server that the stores are on, whose cause `why` must name first. */
export const storeFaults = {
  'slow-store': {
    about: 'each answer of the PostgreSQL server is later by 150 ms (toxiproxy)',
    stage: 'server',
    cause: { rule: 'store-slow', subject: 'primary' },
    async begin({ server }) {
      await server!.delay(150)
      return () => server!.delay(0)
    }
  },
  'locked-store': {
    about: 'somebody keeps a lock on the log, and every statement waits for it',
    stage: 'server',
    cause: { rule: 'store-stuck', subject: 'primary' },
    withinSeconds: 25,
    async begin({ server }) {
      const client = await server!.connect()
      await client.query('begin')
      await client.query('lock table eventlog.entries in access exclusive mode')
      return async () => {
        await client.query('rollback')
        await client.end()
      }
    }
  },
  'no-connections': {
    about: 'somebody takes every connection that the PostgreSQL server gives',
    stage: 'server',
    cause: { rule: 'store-out-of-connections', subject: 'primary' },
    async begin({ server }) {
      const first = await server!.connect()
      const taken = [first]
      let taking = true
      const take = async () => {
        while (taking) {
          try {
            taken.push(await server!.connect())
          } catch {
            // Full: what the platform still has is ended, and what it gives back is taken as well.
            await first.query(
              'select pg_terminate_backend(pid) from pg_stat_activity where pid <> all($1) and backend_type = $2',
              [taken.map(client => (client as unknown as { processID: number }).processID), 'client backend']
            )
          }
        }
      }
      const under = take()
      return async () => {
        taking = false
        await under
        await Promise.all(taken.map(client => client.end()))
      }
    }
  },
  'full-store': {
    about: 'the disk of the PostgreSQL server’s tables is full',
    stage: 'server',
    cause: { rule: 'store-out-of-space', subject: 'primary' },
    withinSeconds: 40,
    async begin({ server }) {
      const disk = await server!.smallDisk()
      if (!disk) throw new Error('a small file system cannot be mounted here')
      await disk.fill()
      return disk.empty
    }
  },
  'store-gone': {
    about: 'the PostgreSQL server is ended at once',
    stage: 'server',
    cause: { rule: 'store-gone', subject: 'primary' },
    async begin({ server }) {
      await server!.kill()
      return () => server!.startAgain()
    }
  }
} satisfies Record<string, Fault>
