import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './repository.ts'

export interface ThrowawayPostgres {
  url: string
  /** Stops the server and removes everything it kept. */
  stop(): void
}

/**
 * A PostgreSQL of its own on a free port of the loopback, by way of `deploy/engines/ENGINE`.
 * @throws when the server is not installed or does not start; the script's own words say which.
 */
export async function startThrowawayPostgres(name: 'postgresql' | 'postgresql-18'): Promise<ThrowawayPostgres> {
  const engine = (script: string, ...args: string[]) =>
    spawnSync(join(root, 'deploy/engines', name, script), args, { encoding: 'utf8', timeout: 120_000 })
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-postgres-'))
  const stop = () => {
    engine('stop', folder)
    rmSync(folder, { recursive: true, force: true })
  }
  const started = engine('start', String(await freePort()), folder)
  if (started.status !== 0) {
    stop()
    throw new Error(started.stderr?.trim() || started.error?.message || 'PostgreSQL did not start')
  }
  return { url: started.stdout.trim(), stop }
}

/** A port that was free a moment ago: another process may take it first, and then the server says so. */
async function freePort(): Promise<number> {
  const server = createServer()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject).listen(0, '127.0.0.1', resolve)
  await promise
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('the loopback gave no port')
  return address.port
}
