import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as soon } from 'node:timers/promises'
import { openScratch, scratchDatabase } from '@plimsoll/database/testing'
import { createServer } from '@plimsoll/http'
import { httpUserFeed, RegisteredUsers } from '@plimsoll/service-metadata'
import { createUsers } from '@plimsoll/service-users'
import { DataDirectory } from './data-directory.ts'
import { startService } from './serve.ts'
import { resolveSettings } from './settings.ts'

const gold = { plan: 'gold', region: 'north', flags: { beta: true } }

async function eventually(check: () => Promise<void>): Promise<void> {
  for (const until = performance.now() + 30_000; ; await soon(10)) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > until) throw error
    }
  }
}

/** What is opened last is closed first, however the test ends. */
function closing(t: TestContext): (step: () => Promise<unknown>) => void {
  const steps: (() => Promise<unknown>)[] = []
  t.after(async () => {
    for (const step of steps.reverse()) await step()
  })
  return step => void steps.push(step)
}

/** Everything that can happen to a user, by the commands of `users`. */
async function live(url: string, adminToken: string): Promise<void> {
  const send = async (method: string, path: string, body?: object) => {
    const headers = {
      authorization: `Bearer ${adminToken}`,
      'if-match': '*',
      ...(body && { 'content-type': 'application/json' })
    }
    const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`)
  }
  for (const id of ['ann', 'bob', 'cat'])
    await send('POST', '/v1/users', { id, email: `${id}@mail.example`, name: id, plan: 'free', region: 'eu' })
  await send('PATCH', '/v1/users/ann', { ...gold, email: 'ann@new.example', name: null })
  await send('DELETE', '/v1/users/bob')
  await send('POST', '/v1/users/cat/erase', { reason: 'asked' })
}

test('metadata understands everything that users tells of over HTTP, and follows it to the end', async t => {
  const later = closing(t)
  const database = await openScratch()
  later(() => database.close())
  const adminToken = 'secret-of-the-test'
  const users = await createUsers({ database, masterKey: Buffer.alloc(32, 1), adminToken })
  later(() => users.stop())
  const app = await createServer({ title: 'Users', version: '1' })
  await app.register(users.routes)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  later(() => app.close())
  const errors: unknown[] = []
  const feed = httpUserFeed({ url, adminToken, pollMs: 20 })
  const known = await RegisteredUsers.open({ database, feed, onError: error => errors.push(error) })
  known.start()
  later(() => known.stop())
  await live(url, adminToken)
  await eventually(async () => {
    assert.deepEqual([...(await known.lookup(['ann', 'bob', 'cat']))].sort(), [
      ['ann', { tier: 'gold', region: 'north', flags: { beta: true } }],
      ['bob', null],
      ['cat', null]
    ])
  })
  assert.deepEqual(errors, [])
})

// A service by itself needs a server.
if (process.env.PLIMSOLL_DATABASE_URL) {
  test('users and metadata run as processes of their own, and meet over HTTP alone', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-serve-'))
    const scratch = await scratchDatabase()
    const later = closing(t)
    later(() => rm(folder, { recursive: true }))
    later(() => scratch.remove())
    const start = async (name: 'users' | 'metadata', more: object = {}) => {
      const common = { data: folder, databaseUrl: scratch.url, port: 0, healthPort: 0, logLevel: 'silent' }
      const { settings } = resolveSettings({ environment: {}, flags: { ...common, ...more } })
      const running = await startService(name, settings)
      later(() => running.close())
      return running.url
    }
    const usersUrl = await start('users')
    const metadataUrl = await start('metadata', { usersUrl })
    await live(usersUrl, new DataDirectory(folder).adminToken)
    await eventually(async () => {
      const answer = await fetch(`${metadataUrl}/v1/users/metadata`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ids: ['ann', 'bob', 'demo-user-000001'] })
      })
      const { users, absent } = (await answer.json()) as { users: Record<string, { tier: string }>; absent: string[] }
      assert.equal(users.ann?.tier, 'gold')
      assert.ok(users['demo-user-000001'], 'whom nobody registered the directory knows')
      assert.deepEqual(absent, ['bob'])
    })
  })
}
