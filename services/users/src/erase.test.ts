import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { scan } from '@plimsoll/eventlog'
import fc from 'fast-check'
import { type RunningUsers, runUsers } from './testing.ts'

const email = 'wilhelmina@first.example'
const newEmail = 'wilhelmina@second.example'
const name = 'Wilhelmina "Mina" Quux'
const reason = 'Wilhelmina called about it'
const headers = { 'if-match': '*' }

describe('a user who is erased', () => {
  let run: RunningUsers
  let folder: string
  const folders: string[] = []
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plimsoll-users-'))
    run = await runUsers({ folders })
  })
  after(async () => {
    await run?.close()
    await rm(folder, { recursive: true })
  })
  const register = (id: string, body: object = {}, idempotencyKey = id) =>
    run.send('POST', '/v1/users', {
      body: { id, email, name, plan: 'free', region: 'eu', reason, ...body },
      headers: { 'idempotency-key': idempotencyKey }
    })
  const erase = (id: string) => run.send('POST', `/v1/users/${id}/erase`, { body: { reason: 'asked' } })
  const count = async (table: string) =>
    (await run.database.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]!.n

  it('is in no table and no file in clear, before and after; the key is gone, the history is not', async () => {
    await register('mina')
    await register('other', { email: 'otto@other.example', name: 'Otto Other', reason: 'signed up' })
    await run.send('PATCH', '/v1/users/mina', { body: { email: newEmail, plan: 'pro', reason }, headers })
    // Enough changes that a snapshot was kept.
    for (let i = 0; i < 50; i++)
      await run.send('PATCH', '/v1/users/mina', { body: { plan: i % 2 ? 'pro' : 'team' }, headers })
    await run.send('GET', '/v1/users/mina')
    assert.equal(await count('users.snapshots'), 1)
    const texts = [email, newEmail, name, reason]
    const embedded = run.database.url.startsWith('pglite://')
    if (embedded) folders.push(run.database.url.slice('pglite://'.length))
    assert.deepEqual((await scan({ database: run.database, texts, folders })).found, [], 'it never was in clear')
    const { at } = (await run.send('GET', '/v1/users/mina/history')).body.entries[0]
    const [events, answers] = [await count('users.events'), await count('idempotency.records')]

    const { status, body } = await erase('mina')
    assert.equal(status, 200)
    const { scan: receipt } = body
    assert.deepEqual([receipt.texts, receipt.tooShort, receipt.found], [4, 0, []])
    assert.ok(receipt.tables >= 8, `${receipt.tables} tables`)
    assert.ok(receipt.files > (embedded ? 100 : -1), `${receipt.files} files`)
    assert.ok(Math.abs(Date.parse(body.erasedAt) - Date.now()) < 60_000)

    assert.equal(await count('users.events'), events + 1, 'nothing is taken from the history: a tombstone is added')
    assert.equal(await count('idempotency.records'), answers - 1, 'a digest of an address is kept for nobody erased')
    const gone = await run.send('GET', '/v1/users/mina')
    assert.deepEqual([gone.status, gone.body.code], [410, 'user_erased'])
    const then = (await run.send('GET', `/v1/users/mina?at=${at}`)).body
    assert.deepEqual([then.email, then.name, then.plan, then.erased], [null, null, 'free', true])
    const history = (await run.send('GET', '/v1/users/mina/history?limit=500')).body
    assert.equal(history.entries.length, body.version)
    const [first, changed] = history.entries
    assert.deepEqual([first.why, first.erased, first.who], [null, true, 'admin'])
    assert.deepEqual(changed.changes, [{ field: 'email', before: null, after: null }])
    assert.deepEqual(history.entries.at(-1).why, 'asked')
    for (const text of [...texts, 'Wilhelmina']) assert.ok(!JSON.stringify([body, history]).includes(text))
    assert.equal((await run.send('GET', '/v1/users/other')).body.name, 'Otto Other')
  })

  it('stays erased: asked again it gives the same receipt, and takes nothing any more', async () => {
    const [again, receipt] = [await erase('mina'), await run.send('GET', '/v1/users/mina/erasure')]
    assert.deepEqual(again.body, receipt.body)
    const patched = await run.send('PATCH', '/v1/users/mina', { body: { email }, headers })
    assert.deepEqual([patched.status, patched.body.code], [410, 'user_erased'])
    assert.equal((await register('mina', {}, 'another')).status, 409)
    const last = (await run.feed()).events.at(-1)!
    assert.deepEqual([last.type, last.userId, last.data], ['user.erased', 'mina', {}])
  })

  it('is found where somebody else wrote them down, by field and place and never by the text', async () => {
    // The data directory takes its time, and was looked through above.
    folders.splice(0, 1, folder)
    await register('leaky', { email: 'leaky@mail.example', name: 'Li', reason: 'signed up somewhere' })
    await run.database.exec('create table notes (text text)')
    await run.database.query('insert into notes values ($1)', ['call leaky@mail.example back'])
    await writeFile(join(folder, 'notes.txt'), 'leaky@mail.example')
    const { scan: receipt } = (await erase('leaky')).body
    assert.deepEqual([receipt.texts, receipt.tooShort], [2, 1])
    assert.deepEqual(receipt.found, [
      { where: 'primary store, table public.notes', what: 'email' },
      { where: `file ${join(folder, 'notes.txt')}`, what: 'email' }
    ])
  })

  it('is erased once by many who ask at once, and nobody writes behind the tombstone', async () => {
    await register('raced')
    const asked = await Promise.all([
      erase('raced'),
      run.send('PATCH', '/v1/users/raced', { body: { email: newEmail }, headers }),
      erase('raced'),
      run.send('PATCH', '/v1/users/raced', { body: { name: 'Nobody Else' }, headers })
    ])
    for (const { status } of asked) assert.ok([200, 410].includes(status), String(status))
    const { entries } = (await run.send('GET', '/v1/users/raced/history')).body
    assert.equal(entries.filter(({ what }: { what: string }) => what === 'user.erased').length, 1)
    assert.equal(entries.at(-1).what, 'user.erased')
  })

  it('is closed whatever happened to them before: any history, any two users', async () => {
    const texts = ['ada@first.example', 'ada@second.example', 'Ada Lovelace', 'Ada King']
    const step = fc.record(
      {
        email: fc.constantFrom(texts[0]!, texts[1]!),
        name: fc.constantFrom(texts[2]!, texts[3]!, null),
        plan: fc.constantFrom('free', 'pro'),
        reason: fc.constantFrom(`${texts[2]} asked`, 'no name in it')
      },
      { requiredKeys: ['plan'] }
    )
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 6 }), async steps => {
        const [id, other] = [`any-${++runs}`, `other-${runs}`]
        for (const each of [id, other]) await register(each, { email: texts[0], name: texts[2], reason: 'signed up' })
        for (const body of steps)
          for (const each of [id, other]) await run.send('PATCH', `/v1/users/${each}`, { body, headers })
        const history = async (of: string) => (await run.send('GET', `/v1/users/${of}/history`)).body.entries
        const [before, others] = [await history(id), await history(other)]
        const { body } = await erase(id)
        assert.deepEqual(body.scan.found, [])
        const after = await history(id)
        assert.equal(after.length, before.length + 1)
        for (const text of texts) assert.ok(!JSON.stringify(after).includes(text))
        // What is not personal, and another user's history, are as they were.
        const plans = (entries: { what: string; changes: { field: string }[] }[]) =>
          entries.map(({ what, changes }) => [what, changes.filter(({ field }) => field === 'plan')])
        assert.deepEqual(plans(after.slice(0, -1)), plans(before))
        assert.deepEqual(await history(other), others)
      }),
      { numRuns: 8 }
    )
  })

  it('must have been there', async () => {
    const nobody = await erase('nobody')
    assert.deepEqual([nobody.status, nobody.body.code], [404, 'user_not_found'])
    const never = await run.send('GET', '/v1/users/other/erasure')
    assert.deepEqual([never.status, never.body.code], [404, 'not_erased'])
  })
})
