import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type StartedPlatform, startPlatformProcess } from '@plimsoll/bench'
import { scratchDatabase, testTemplate } from '@plimsoll/database/testing'

/** Where a platform under test lives: it can be started there, stopped, and started again on what it left. */
export interface Home {
  data: string
  env: NodeJS.ProcessEnv
  start(...flags: string[]): Promise<StartedPlatform>
  remove(): Promise<void>
}

/** A data folder, with a database of its own when PLIMSOLL_DATABASE_URL asks for a server. */
export async function newHome(): Promise<Home> {
  const data = await mkdtemp(join(tmpdir(), 'plimsoll-end-to-end-'))
  const scratch = process.env.PLIMSOLL_DATABASE_URL ? await scratchDatabase() : undefined
  const env = {
    PLIMSOLL_DATABASE_TEMPLATE: await testTemplate(),
    ...(scratch ? { PLIMSOLL_DATABASE_URL: scratch.url } : {})
  }
  return {
    data,
    env,
    start: (...flags) => startPlatformProcess({ data, env, flags }),
    async remove() {
      await scratch?.remove()
      await rm(data, { recursive: true, force: true })
    }
  }
}

/** A port to give to a platform that must come back on the same one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
