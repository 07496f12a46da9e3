import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDirectory } from './adapters/pglite/create.ts'
import type { Database } from './database.ts'
import { open } from './open.ts'

export { type Relay, relayTo } from './relay.ts'

export interface Scratch {
  /** Address of an empty database that nobody else uses. */
  url: string
  /** Removes it. Close what is open on it first. */
  remove(): Promise<void>
}

/**
 * An empty database for one test: embedded in a temporary folder, or, with PLIMSOLL_DATABASE_URL set, a database of its
 * own on that server, so that the same suites run on both.
 */
export async function scratchDatabase(): Promise<Scratch> {
  const server = process.env.PLIMSOLL_DATABASE_URL
  return server ? scratchOnServer(server) : scratchDirectory()
}

/** Opens a scratch database; `close` on the result closes and removes it. */
export async function openScratch(): Promise<Database & { url: string }> {
  const scratch = await scratchDatabase()
  const database = await open(scratch.url)
  const close = database.close.bind(database)
  return Object.assign(database, {
    url: scratch.url,
    close: async () => {
      await close()
      await scratch.remove()
    }
  })
}

/** An empty data directory, copied from one made once per machine and engine version: making one takes seconds. */
export async function scratchDirectory(): Promise<Scratch & { directory: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'plimsoll-test-'))
  const directory = join(folder, 'db')
  await createDirectory(directory, { template: await testTemplate() })
  return { url: `pglite://${directory}`, directory, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** The directory to copy new ones from; also of use as PLIMSOLL_DATABASE_TEMPLATE for processes under test. */
export async function testTemplate(): Promise<string> {
  const home = join(tmpdir(), `plimsoll-template-${process.versions.node}-${process.getuid?.() ?? 0}`)
  const template = join(home, 'pglite-0.5.16')
  if (!existsSync(join(template, 'PG_VERSION'))) {
    await mkdir(home, { recursive: true, mode: 0o700 })
    await createDirectory(template)
  }
  return template
}

async function scratchOnServer(server: string): Promise<Scratch> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const withAdmin = async (sql: string) => {
    const admin = await open(server, { poolSize: 1 })
    try {
      await admin.exec(sql)
    } finally {
      await admin.close()
    }
  }
  await withAdmin(`create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return { url: url.href, remove: () => withAdmin(`drop database if exists ${name} with (force)`) }
}
