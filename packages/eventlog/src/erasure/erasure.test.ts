import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Database } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import fc from 'fast-check'
import { fold, handle } from '../decider/handle.ts'
import { EventStore } from '../streams/event-store.ts'
import { Keyring, SubjectErasedError } from './keyring.ts'
import { scan } from './scan.ts'
import { isErased, isSealed, seal, unseal } from './seal.ts'

const masterKey = Buffer.alloc(32, 7)
const name = 'Ann "Annie" Example'
const mail = 'ann@mail.example'

describe('a sealed value', () => {
  const key = Buffer.alloc(32, 1)
  it('comes back from its key, and from no other, and is the same for the same place', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, salt) => {
        const sealed = seal(key, 'user/1', value, salt)
        assert.deepEqual(unseal(key, sealed), JSON.parse(JSON.stringify(value)))
        assert.deepEqual(seal(key, 'user/1', value, salt), sealed)
        assert.notEqual(seal(key, 'user/1', [value], salt).v.slice(0, 16), sealed.v.slice(0, 16), 'another nonce')
        assert.throws(() => unseal(Buffer.alloc(32, 2), sealed))
        assert.throws(() => unseal(key, { ...sealed, $sealed: 'user/2' }))
      })
    )
  })
})

describe('erasure', () => {
  let db: Database & { url: string }
  let store: EventStore
  let keyring: Keyring
  const personal = {
    registered: { subject: ({ id }: { id: string }) => `user/${id}`, fields: ['name', 'mail'] },
    invited: [
      { subject: ({ by }: { by: string }) => `user/${by}`, fields: ['greeting'] },
      { subject: ({ id }: { id: string }) => `user/${id}`, fields: ['mail'] }
    ]
  }
  const open = () => {
    keyring = new Keyring({ database: db, masterKey })
    return new EventStore({ database: db, protection: { keyring, personal } })
  }
  before(async () => {
    db = await openScratch()
    await EventStore.migrate(db)
    store = open()
  })
  after(async () => {
    await store.close()
    await db.close()
  })
  const register = (id: string) => ({ type: 'registered', data: { id, name, mail, tier: 'free' } })
  const dataOf = async (stream: string) => (await Array.fromAsync(store.readStream(stream))).map(({ data }) => data)
  const list = {
    initial: [] as unknown[],
    evolve: (state: unknown[], event: { type: string; data: unknown }) => [...state, event.data]
  }
  const snapshots = { name: 'list', shape: '1', every: 1 }
  const texts = [name, mail]

  it('leaves nothing of a person to be read, in events, snapshots, views and files, and the rest as it was', async () => {
    await store.append('user/1', [register('1')], { expected: 'none' })
    await store.append('user/2', [register('2')], { expected: 'none' })
    await store.append('both', [{ type: 'invited', data: { by: '1', id: '2', greeting: name, mail } }], {
      expected: 'none'
    })
    assert.deepEqual(await dataOf('user/1'), [register('1').data])
    for (const stream of ['user/1', 'both']) await fold(list, store, stream, { snapshots })
    assert.equal((await store.snapshot('both', snapshots))?.version, 1)
    // A view is given sealed values, keeps them as they are, and opens them for its readers.
    const [sealed] = await Array.fromAsync(store.readStream('user/1', { sealed: true }))
    const view = sealed!.data as { name: unknown; tier: string }
    assert.ok(isSealed(view.name) && view.tier === 'free')
    await db.exec('create table users_view (name jsonb)')
    await db.query('insert into users_view values ($1)', [view.name])
    const fromView = async () =>
      store.open((await db.query<{ name: unknown }>('select name from users_view')).rows.map(row => row.name))
    assert.deepEqual(await fromView(), [name])

    const folders = db.url.startsWith('pglite://') ? [db.url.slice('pglite://'.length)] : []
    const receipt = await scan({ database: db, texts, folders })
    assert.deepEqual(receipt.found, [], 'it was never in clear')
    assert.ok(receipt.tables >= 6 && (folders.length === 0 || receipt.files > 100))

    assert.equal(await store.erase('user/1'), true)
    assert.equal(await store.erase('user/1'), false)
    const erased = { $erased: 'user/1' }
    assert.deepEqual(await dataOf('user/1'), [{ id: '1', name: erased, mail: erased, tier: 'free' }])
    assert.deepEqual(await dataOf('both'), [{ by: '1', id: '2', greeting: erased, mail }])
    assert.deepEqual(await dataOf('user/2'), [register('2').data])
    assert.deepEqual(await dataOf('erased/user/1'), [{ subject: 'user/1' }], 'told once')
    assert.deepEqual(await fromView(), [erased])
    assert.ok(isErased((await fromView())[0]))
    assert.equal(await store.snapshot('both', snapshots), undefined, 'closed by one of two')
    const again = async () => (await fold(list, store, 'both', { snapshots })).state
    assert.deepEqual(await again(), [{ by: '1', id: '2', greeting: erased, mail }])
    assert.deepEqual(await again(), (await fold(list, store, 'both')).state, 'a replay gives the same')
    assert.equal((await store.snapshot('both', snapshots))?.version, 1, 'and is kept without the erased one')
    assert.deepEqual((await scan({ database: db, texts, folders })).found, [])
  })

  it('is final: nothing personal of the subject is taken any more', async () => {
    await assert.rejects(store.append('user/1', [register('1')], { expected: 'any' }), SubjectErasedError)
    await store.erase('user/9')
    await assert.rejects(store.append('user/9', [register('9')], { expected: 'any' }), {
      code: 'PLIMSOLL_SUBJECT_ERASED'
    })
    assert.deepEqual(await dataOf('user/9'), [])
  })

  it('works in the caller’s transaction, and forgets a key that was undone with it', async () => {
    await assert.rejects(
      db.transaction(async tx => {
        await store.append('user/3', [register('3')], { expected: 'none', tx })
        const [seen] = await Array.fromAsync(store.readStream('user/3', { tx }))
        assert.deepEqual(seen!.data, register('3').data)
        throw new Error('undone')
      }),
      /undone/
    )
    await store.append('user/3', [register('3')], { expected: 'none' })
    await store.close()
    store = open()
    assert.deepEqual(await dataOf('user/3'), [register('3').data], 'another process reads it by the kept key')
  })

  it('opens a kept state in the caller’s transaction, also where no key is held yet', { timeout: 60_000 }, async () => {
    await store.append('user/4', [register('4')], { expected: 'none' })
    await fold(list, store, 'user/4', { snapshots })
    await store.close()
    store = open()
    const adding = { ...list, decide: ({ note }: { note: string }) => [{ type: 'noted', data: note }] }
    const { kept, state } = await db.transaction(async tx => ({
      kept: await store.snapshot('user/4', snapshots, tx),
      ...(await handle(adding, store, 'user/4', { note: 'later' }, { snapshots, tx }))
    }))
    assert.equal(kept?.version, 1)
    assert.deepEqual(state, [register('4').data, 'later'])
  })

  it('reaches a process that still holds the key after the time it was given', async () => {
    let now = 0
    const other = new Keyring({ database: db, masterKey, cacheMs: 5_000, now: () => now })
    assert.equal((await other.find(['user/3'])).size, 1)
    await store.erase('user/3')
    now = 4_999
    assert.equal((await other.find(['user/3'])).size, 1)
    now = 5_000
    assert.equal((await other.find(['user/3'])).size, 0)
  })

  it('refuses what looks like its own marks, a bad key, and to erase where nothing is protected', async () => {
    const bad = { type: 't', data: { deep: [{ $sealed: 'x', v: '' }] } }
    await assert.rejects(store.append('t', [bad], { expected: 'any' }), RangeError)
    assert.throws(() => new Keyring({ database: db, masterKey: Buffer.alloc(16) }), RangeError)
    const plain = new EventStore({ database: db })
    await assert.rejects(plain.erase('user/1'), TypeError)
    await plain.close()
  })
})

describe('the scan', () => {
  it('finds what is there: in text, in JSON, in bytes and in files, and does not repeat it', async t => {
    const db = await openScratch()
    const folder = await mkdtemp(join(tmpdir(), 'plimsoll-scan-'))
    t.after(async () => {
      await db.close()
      await rm(folder, { recursive: true })
    })
    await db.exec(
      'create table a (t text); create table b (j jsonb); create table c (y bytea); create table d (t text)'
    )
    await db.query('insert into a values ($1)', [`it is ${name}!`])
    await db.query('insert into b values ($1)', [{ deep: [name] }])
    await db.query('insert into c values ($1)', [Buffer.from(mail)])
    await writeFile(join(folder, 'big'), `${'x'.repeat((1 << 20) - 5)}${mail}`)
    const receipt = await scan({ database: db, texts: [name, mail], folders: [folder] })
    assert.deepEqual(receipt.found, [
      { where: 'table public.a', text: 0 },
      { where: 'table public.b', text: 0 },
      { where: 'table public.c', text: 1 },
      { where: `file ${join(folder, 'big')}`, text: 1 }
    ])
    assert.ok(!JSON.stringify(receipt).includes(name))
    await assert.rejects(scan({ database: db, texts: ['Ann'] }), RangeError)
  })
})
