import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Database, isTransient } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { Keyring } from '../erasure/keyring.ts'
import { AppendKeyReusedError, WrongVersionError } from './errors.ts'
import { EventStore } from './event-store.ts'

const paid = (amount: number) => ({ type: 'paid', data: { amount } })

describe('an append with a key', () => {
  let db: Database
  let store: EventStore
  before(async () => {
    db = await openScratch()
    await EventStore.migrate(db)
    store = new EventStore({ database: db })
  })
  after(async () => {
    await store.close()
    await db.close()
  })
  const versions = async (stream: string) =>
    (await Array.fromAsync(store.readStream(stream))).map(({ version }) => version)

  it('is written once, however often it is sent, and gets the first answer each time', async () => {
    const send = () => store.append('a', [paid(1), paid(2)], { expected: 0, key: 'request-1' })
    const first = await send()
    assert.deepEqual([first.version, first.repeated], [2, false])
    await store.append('a', [paid(3)], { expected: 2 })
    assert.deepEqual(await send(), { ...first, repeated: true }, 'though its version has long passed')
    assert.deepEqual(await versions('a'), [1, 2, 3])
    assert.deepEqual(await store.appended('request-1'), {
      starts: [0],
      versions: [2],
      cursor: first.cursor,
      repeated: true
    })
    assert.equal(await store.appended('request-2'), undefined)
  })

  it('is known by any program, alone or beside others in one commit', async () => {
    const other = new EventStore({ database: db })
    const send = (from: EventStore) => from.append('b', [paid(1)], { expected: 'any', key: 'b-1' })
    const all = await Promise.all([
      send(store),
      send(store),
      send(other),
      store.append('b-else', [paid(1)], { expected: 'none' })
    ])
    assert.equal(all.filter(({ repeated }) => !repeated).length, 2, 'one of the three, and the one without a key')
    assert.deepEqual(await versions('b'), [1])
    await other.close()
  })

  it('says so when the key belongs to something else, and writes nothing', async () => {
    await store.append('c', [paid(1)], { expected: 'any', key: 'c-1' })
    const misuses = [
      store.append('c', [paid(2)], { expected: 'any', key: 'c-1' }),
      store.append('d', [paid(1)], { expected: 'any', key: 'c-1' })
    ]
    for (const misuse of misuses) await assert.rejects(misuse, AppendKeyReusedError)
    const [one, two] = await Promise.allSettled([
      store.append('e', [paid(1)], { expected: 'any', key: 'e-1' }),
      store.append('e', [paid(2)], { expected: 'any', key: 'e-1' })
    ])
    assert.deepEqual([one.status, two.status], ['fulfilled', 'rejected'])
    assert.deepEqual([await versions('c'), await versions('d'), await versions('e')], [[1], [], [1]])
  })

  it('is judged anew after a refusal', async () => {
    const send = () => store.append('f', [paid(1)], { expected: 1, key: 'f-1' })
    await assert.rejects(send(), WrongVersionError)
    await store.append('f', [paid(0)], { expected: 'none' })
    assert.deepEqual([(await send()).version, (await send()).version], [2, 2])
  })

  it('of several streams is known whole', async () => {
    const parts = [
      { stream: 'from', events: [paid(-1)], expected: 'any' as const },
      { stream: 'to', events: [paid(1), paid(0)], expected: 'none' as const }
    ]
    const first = await store.appendAll(parts, { key: 'move-1' })
    assert.deepEqual(first.versions, [1, 2])
    assert.deepEqual(await store.appendAll(parts, { key: 'move-1' }), { ...first, repeated: true })
  })

  it('is undone with the caller’s transaction, and known in it', async () => {
    const send = (fails: boolean) =>
      db.transaction(async tx => {
        const options = { expected: 'any' as const, key: 'g-1', tx }
        assert.equal((await store.append('g', [paid(1)], options)).repeated, false)
        assert.equal((await store.append('g', [paid(1)], options)).repeated, true)
        if (fails) throw new Error('undone')
      })
    await assert.rejects(send(true), /undone/)
    await send(false)
    assert.deepEqual(await versions('g'), [1])
  })

  it('leaves nothing of what is personal in its digest', async () => {
    const protection = {
      keyring: new Keyring({ database: db, masterKey: Buffer.alloc(32, 'k') }),
      personal: { named: { subject: () => 'user/1', fields: ['name'] } }
    }
    const careful = new EventStore({ database: db, protection })
    const named = (name: string) =>
      careful.append('user/1', [{ type: 'named', data: { name } }], { expected: 'any', key: 'n-1' })
    await named('Ann')
    assert.equal((await named('Bob')).repeated, true, 'what was destroyed cannot be guessed from it')
    await careful.close()
  })

  it('can be forgotten after a time', async () => {
    await store.append('h', [paid(1)], { expected: 'any', key: 'h-1' })
    await db.query("update events.append_keys set recorded_at = '2026-01-01T00:00:00Z' where key = 'h-1'")
    assert.equal(await store.forgetAppends(Date.UTC(2026, 0, 2)), 1)
    assert.equal((await store.append('h', [paid(1)], { expected: 'any', key: 'h-1' })).version, 2)
  })

  if (!process.env.PLIMSOLL_DATABASE_URL) return

  it('is recognised while its first try still commits: the retry waits for it', async () => {
    const [written, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const options = { expected: 'none' as const, key: 'late-1' }
    const first = db.transaction(async tx => {
      await store.append('late', [paid(1)], { ...options, tx })
      written.resolve()
      await goOn.promise
    })
    await written.promise
    const retry = store.append('late', [paid(1)], options)
    while ((await db.query("select from pg_stat_activity where wait_event_type = 'Lock'")).affected === 0);
    goOn.resolve()
    await first
    assert.equal((await retry).repeated, true)
    assert.deepEqual(await versions('late'), [1])
  })

  it('keeps two of one key from being written to different streams', async () => {
    const outcomes = await Promise.allSettled(
      ['x', 'y'].map(stream =>
        db.transaction(tx => store.append(stream, [paid(1)], { expected: 'any', key: 'xy', tx }))
      )
    )
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const o of outcomes) {
      if (o.status === 'rejected') assert.ok(isTransient(o.reason) || o.reason instanceof AppendKeyReusedError)
    }
  })
})
