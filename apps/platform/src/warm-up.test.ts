import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { openScratch } from '@plimsoll/database/testing'
import { migrateLog } from '@plimsoll/eventlog'
import { bearer, createServer, problem } from '@plimsoll/http'
import { createAnalytics } from '@plimsoll/service-analytics'
import { createTelemetry } from '@plimsoll/service-telemetry'
import { warmUp } from './warm-up.ts'

const adminToken = 'admin-token-of-the-tests'

/** Both services on one store, and what was asked of them. */
async function services(t: TestContext) {
  const database = await openScratch()
  await migrateLog(database)
  const analytics = await createAnalytics({
    log: database,
    store: database,
    mayRead(request) {
      if (bearer(request) !== adminToken) throw problem(401, 'unauthorized', 'Send the admin token.')
    }
  })
  const telemetry = await createTelemetry({ database, metadataUrl: 'http://127.0.0.1:1', adminToken })
  const app = await createServer({ title: 'Plimsoll', version: '1' })
  const asked: { url: URL; status: number }[] = []
  app.addHook('onResponse', async (request, reply) => {
    asked.push({ url: new URL(request.url, 'http://localhost'), status: reply.statusCode })
  })
  await app.register(telemetry.routes)
  await app.register(analytics.routes)
  t.after(async () => {
    await app.close()
    await telemetry.stop()
    await analytics.stop()
    await database.close()
  })
  return { app, asked, database }
}

describe('the warm-up of the dashboard', () => {
  it('asks for a dashboard and for the books, and is answered: a refusal would warm nothing', async t => {
    const { app, asked } = await services(t)
    await warmUp(app, adminToken)
    assert.deepEqual([...new Set(asked.map(({ url }) => url.pathname))], ['/v1/dashboard', '/v1/ledger'])
    assert.deepEqual([...new Set(asked.map(({ status }) => status))], [200])
  })

  it('asks no dashboard twice, which would be answered from memory', async t => {
    const { app, asked } = await services(t)
    await warmUp(app, adminToken)
    const dashboards = asked.filter(({ url }) => url.pathname === '/v1/dashboard').map(({ url }) => url.search)
    assert.ok(dashboards.length >= 3)
    assert.equal(new Set(dashboards).size, dashboards.length)
  })

  it('leaves nothing behind', async t => {
    const { app, database } = await services(t)
    await warmUp(app, adminToken)
    for (const table of ['eventlog.entries', 'telemetry.projects', 'telemetry.ledger', 'analytics.projects'])
      assert.equal((await database.query(`select from ${table}`)).affected, 0, table)
  })

  it('does not keep a platform from starting whose store is away', async t => {
    const { app, asked, database } = await services(t)
    await database.close()
    await warmUp(app, adminToken)
    assert.deepEqual([...new Set(asked.map(({ status }) => status))], [503])
  })
})
