import { statfs } from 'node:fs/promises'
import type { Database } from '@plimsoll/database'
import { type Check, check, type Health, startHealth } from '@plimsoll/health'
import type { Logger } from 'pino'
import type { Settings } from './settings.ts'

/** What there is to look at, once there is something: before that a check of it has nothing to say. */
export interface Patient {
  primary?: Database
  read?: Database
  /** State of the breaker around the metadata API. */
  breaker?(): string
}

/** Less than this left on the disk and the embedded stores will soon refuse to write, in bytes. */
const leastFree = 200e6

/**
 * The process's own health endpoint: a thread and a socket of their own (see `@plimsoll/health`), so that it answers
 * while the event loop, the pool and the stores are all stuck (promise P7).
 */
export function startOwnHealth(settings: Settings, logger: Logger, patient: Patient): Promise<Health> {
  return startHealth({
    host: settings.host,
    port: settings.healthPort,
    service: 'plimsoll',
    checks: checksOf(settings, patient),
    onError: error => logger.warn({ err: error }, 'the health thread died and is started again')
  })
}

/**
 * An embedded store is this process's own. One that does not answer makes it unready only after half a minute: until then
 * writes wait or are refused with a time to come back, which is an answer, and a store that died has ended the process.
 */
function checksOf(settings: Settings, patient: Patient): Check[] {
  const answers = async (database: Database | undefined) => {
    if (!database) return
    const startedAt = performance.now()
    await database.query('select 1')
    return { observedValue: Math.round(performance.now() - startedAt), observedUnit: 'ms' }
  }
  const store = (name: string, database: () => Database | undefined, embedded: boolean) =>
    check({
      name: `${name}:responseTime`,
      kind: embedded ? 'own' : 'shared',
      // The read store may be away: dashboards give their last good answer then, and writes do not need it.
      ...(name === 'read-store' ? { readiness: 'warn' as const } : {}),
      everyMs: 5_000,
      timeoutMs: 5_000,
      failAfter: 3,
      run: () => answers(database())
    })
  return [
    store('primary-store', () => patient.primary, settings.databaseUrl === ''),
    store('read-store', () => patient.read, settings.databaseUrl === '' && settings.readDatabaseUrl === ''),
    check({
      name: 'metadata:breaker',
      kind: 'shared',
      everyMs: 1_000,
      failAfter: 1,
      passAfter: 1,
      run: async () => {
        const state = patient.breaker?.() ?? 'none'
        if (state !== 'closed' && state !== 'none') throw new Error(`the breaker is ${state}; enrichment waits`)
        return { observedValue: state }
      }
    }),
    check({
      name: 'disk:free',
      kind: 'own',
      everyMs: 10_000,
      run: async () => {
        const { bavail, bsize } = await statfs(settings.data)
        const free = bavail * bsize
        if (free < leastFree) throw new Error(`${Math.round(free / 1e6)} MB are left on the disk of the data folder`)
        return {
          observedValue: Math.round(free / 1e6),
          observedUnit: 'MB',
          ...(free < 5 * leastFree ? { warn: 'the disk of the data folder is nearly full' } : {})
        }
      }
    })
  ]
}
