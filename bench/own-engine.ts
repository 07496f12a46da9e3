import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface OwnEngine {
  url: string
  stop(): void
}

const running = new Set<() => void>()

// An engine is a process of its own, and would outlive a bench that is interrupted.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const stop of running) stop()
    process.kill(process.pid, signal)
  })
}

/** An engine for one bench, by way of `deploy/engines`. @throws when it is not installed or does not start */
export async function startOwnEngine(name: string): Promise<OwnEngine> {
  const engine = (script: string, ...args: string[]) =>
    spawnSync(join(import.meta.dirname, '../deploy/engines', name, script), args, {
      encoding: 'utf8',
      timeout: 120_000
    })
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  const folder = mkdtempSync(join(tmpdir(), 'plimsoll-bench-'))
  const stop = () => {
    running.delete(stop)
    engine('stop', folder)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  running.add(stop)
  const started = engine('start', String(port), folder)
  if (started.status === 0) return { url: started.stdout.trim(), stop }
  stop()
  throw new Error(started.stderr?.trim() || `${name} did not start`)
}
