import { open } from '@plimsoll/database'
import {
  createMetadataService,
  demoDirectory,
  firstOf,
  httpUserFeed,
  memoryDirectory,
  RegisteredUsers,
  usersFirst
} from '@plimsoll/service-metadata'
import type { FastifyInstance } from 'fastify'
import { demoSeed } from './demo-seed.ts'
import type { Composed, Parts } from './serve.ts'
import { SettingError } from './settings.ts'

/** Metadata by itself: with `usersUrl` it follows the users of another process, and keeps what it knows of them. */
export async function serveMetadata(
  { settings, data, log, patient, observability, watching }: Parts,
  onError: (error: unknown) => void
): Promise<Composed> {
  const { adminToken } = data
  const logger = log as unknown as FastifyInstance['log']
  const others = firstOf(memoryDirectory(), demoDirectory({ seed: demoSeed }))
  const closing: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const step of closing.splice(0).reverse()) await step()
  }
  try {
    const registered = settings.usersUrl === '' ? undefined : await follow()
    const app = createMetadataService({
      directory: registered ? usersFirst(registered, others) : others,
      adminToken,
      faultKnobs: settings.faultKnobs,
      logger
    })
    closing.push(() => app.close())
    observability.traceRequests(app)
    watching.http(app)
    return { url: await app.listen({ host: settings.host, port: settings.port }), close }
  } catch (error) {
    await close()
    throw error
  }

  async function follow(): Promise<RegisteredUsers> {
    const { usersUrl: url, databaseUrl } = settings
    if (databaseUrl === '')
      throw new SettingError(
        'metadata that follows users needs databaseUrl (postgres://…): there it keeps what it knows'
      )
    const database = watching.store('primary', await open(databaseUrl))
    closing.push(() => database.close())
    patient.primary = database
    const users = await RegisteredUsers.open({ database, feed: httpUserFeed({ url, adminToken }), onError })
    closing.push(() => users.stop())
    users.start()
    return users
  }
}
