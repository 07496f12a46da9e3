import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test'
import { setTimeout as soon } from 'node:timers/promises'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import fc from 'fast-check'
import { memoryDirectory } from '../directory.ts'
import { createMetadataService } from '../service.ts'
import { migrateMetadata } from '../store.ts'
import { RegisteredUsers, type RegisteredUsersOptions, type UserFeed, usersFirst } from './registered-users.ts'
import { FeedContractError, foldUser, type KnownUser, userEvent } from './user-event.ts'

interface Told {
  id: string
  type: string
  userId: string
  version: number
  data: object
}

let versions = new Map<string, number>()
function happened(userId: string, type: string, data: object = {}): Told {
  const version = (versions.get(userId) ?? 0) + 1
  versions.set(userId, version)
  return { id: `${userId}@${version}`, type: `user.${type}`, userId, version, data }
}
const registered = (userId: string, plan = 'free') =>
  happened(userId, 'registered', { plan, region: 'eu', flags: { beta: true } })

/** A feed whose cursor is how many events were given, in pages of so many. */
function feedOf(log: Told[], pageOf = 2): UserFeed {
  return {
    async *follow(cursor, signal) {
      for (let next = Number(cursor ?? 0); !signal.aborted; ) {
        const events = log.slice(next, next + pageOf)
        next += events.length
        if (events.length > 0) yield { events, cursor: String(next), caughtUp: next === log.length }
        else await soon(2)
      }
    }
  }
}

const until = async (true_: () => boolean | Promise<boolean>) => {
  while (!(await true_())) await soon(2)
}

describe('registered users', () => {
  let database: Database
  before(async () => {
    database = await openScratch()
    await migrateMetadata(database)
  })
  after(() => database.close())

  /** A follower of its own on empty tables. */
  async function following(t: TestContext, feed: UserFeed, over: Partial<RegisteredUsersOptions> = {}) {
    const users = await RegisteredUsers.open({ database, feed, ...over })
    users.start()
    t.after(() => users.stop())
    return users
  }
  beforeEach(async () => {
    versions = new Map()
    await database.exec('truncate metadata.users, metadata.followed')
  })
  const rows = async () =>
    (await database.query('select user_id, version, tier, region, flags from metadata.users order by user_id')).rows
  const tierOf = async (users: RegisteredUsers, id: string) => (await users.lookup([id])).get(id)?.tier

  for (const [where, capacity] of [
    ['in memory', 100],
    ['in the table, when they are too many', 1]
  ] as const) {
    it(`are found ${where}: as they were registered, changed and removed`, async t => {
      const log: Told[] = []
      const users = await following(t, feedOf(log), { capacity })
      log.push(registered('ann'), registered('bob'), happened('ann', 'email-changed'))
      log.push(happened('ann', 'plan-changed', { from: 'free', to: 'pro' }))
      log.push(happened('ann', 'region-changed', { from: 'eu', to: 'us' }))
      log.push(happened('ann', 'flags-changed', { from: { beta: true }, to: {} }), happened('ann', 'never-heard-of'))
      log.push(happened('bob', 'deleted'), registered('last'))
      await until(async () => (await tierOf(users, 'last')) === 'free')
      assert.deepEqual(
        [...(await users.lookup(['ann', 'bob', 'cat', '\0']))],
        [
          ['ann', { tier: 'pro', region: 'us', flags: {} }],
          ['bob', null]
        ]
      )
    })
  }

  it('are there after a restart, and followed from where it was', async t => {
    const log = [registered('ann'), registered('bob')]
    const first = await following(t, feedOf(log))
    await until(() => first.caughtUp)
    await first.stop()
    log.push(happened('bob', 'erased'))
    log[0] = { ...log[0]!, type: 'user.plan-changed', data: 'read twice' as unknown as object }
    const second = await following(t, feedOf(log))
    assert.equal(await tierOf(second, 'ann'), 'free')
    await until(async () => (await second.lookup(['bob'])).get('bob') === null)
  })

  it('are written with the cursor or not at all, and nothing that breaks the contract is passed over', async t => {
    const errors: unknown[] = []
    const broken = happened('x', 'plan-changed', { to: 'Not a label!' })
    const log = [registered('ann'), registered('bob'), registered('cat'), broken]
    const users = await following(t, feedOf(log), { onError: error => errors.push(error) })
    await until(() => errors.length > 1)
    assert.ok(users.failures > 0)
    assert.ok(errors.every(error => error instanceof FeedContractError))
    assert.deepEqual((await rows()).length, 2, 'the page before, and nothing of the page with it')
    log[3] = happened('cat', 'plan-changed', { to: 'team' })
    await until(async () => (await tierOf(users, 'cat')) === 'team')
    await until(() => users.failures === 0)
  })

  it('are folded once, however many follow, and to the same rows when they are followed again', async t => {
    const log = Array.from({ length: 40 }, (_, i) => registered(`u${i}`))
    log.push(...Array.from({ length: 40 }, (_, i) => happened(`u${i}`, 'plan-changed', { to: `p${i}` })))
    const several = [await following(t, feedOf(log, 3)), await following(t, feedOf(log, 5))]
    await until(async () => (await rows()).filter(row => (row as { tier: string }).tier.startsWith('p')).length === 40)
    for (const users of several) await until(async () => (await tierOf(users, 'u39')) === 'p39')
    await Promise.all(several.map(users => users.stop()))
    const cursors = await database.query('select cursor from metadata.followed')
    assert.deepEqual(cursors.rows, [{ cursor: '80' }])
    const once = await rows()
    for (const users of several) assert.equal(await tierOf(users, 'u7'), 'p7')
    await database.exec('truncate metadata.users, metadata.followed')
    const again = await following(t, feedOf(log, 7))
    await until(() => again.caughtUp)
    assert.deepEqual(await rows(), once)
  })

  it('come before the other directory, also those who are gone, and are changed by nobody here', async t => {
    const log = [registered('ann', 'pro'), registered('gone'), happened('gone', 'erased'), registered('last')]
    const users = await following(t, feedOf(log))
    const others = memoryDirectory()
    const gold = { tier: 'gold', region: 'north', flags: {} }
    for (const id of ['ann', 'gone', 'demo']) await others.put(id, gold)
    await until(async () => (await tierOf(users, 'last')) === 'free')
    const app = createMetadataService({ directory: usersFirst(users, others), adminToken: 'letmein' })
    t.after(() => app.close())
    const batch = {
      method: 'POST',
      url: '/v1/users/metadata',
      payload: { ids: ['ann', 'gone', 'demo', 'who'] }
    } as const
    assert.deepEqual((await app.inject(batch)).json(), {
      users: { ann: { tier: 'pro', region: 'eu', flags: { beta: true } }, demo: gold },
      absent: ['gone', 'who']
    })
    assert.equal((await app.inject('/v1/users/gone/metadata')).statusCode, 404)
    const headers = { authorization: 'Bearer letmein' }
    for (const [id, status] of [
      ['ann', 409],
      ['gone', 409],
      ['demo', 200]
    ] as const) {
      const put = await app.inject({ method: 'PUT', url: `/v1/users/${id}/metadata`, payload: gold, headers })
      assert.equal(put.statusCode, status, put.body)
    }
    assert.equal((await app.inject({ method: 'DELETE', url: '/v1/users/ann/metadata', headers })).statusCode, 409)
  })
})

describe('a view of users', () => {
  const label = fc.constantFrom('free', 'pro', 'team')
  const change = fc.oneof(
    fc.record({
      type: fc.constant('registered'),
      data: fc.record({ plan: label, region: label, flags: fc.constant({}) })
    }),
    fc.record({ type: fc.constantFrom('plan-changed', 'region-changed'), data: fc.record({ to: label }) }),
    fc.record({ type: fc.constant('flags-changed'), data: fc.constant({ to: { a: true } }) }),
    fc.record({ type: fc.constantFrom('deleted', 'erased', 'email-changed'), data: fc.constant({}) })
  )

  it('is the same however often an event comes again', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), fc.array(fc.nat({ max: 19 })), (changes, again) => {
        const events = changes.map(({ type, data }, i) =>
          userEvent({ id: 'e', type: `user.${type}`, userId: 'u', version: i + 1, data })
        )
        const fold = (state: KnownUser | undefined, event: (typeof events)[number]) =>
          event ? foldUser(state, event) : state
        const once = events.reduce(fold, undefined)
        // Each is repeated only after it came, as a feed that is read twice does.
        const twice = events.flatMap((event, i) => [event, ...again.filter(j => j <= i).map(j => events[j])])
        assert.deepEqual(twice.reduce(fold, undefined), once)
      })
    )
  })
})
