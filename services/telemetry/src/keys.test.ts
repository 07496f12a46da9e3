import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { type Database, DatabaseError } from '@plimsoll/database'
import { openScratch } from '@plimsoll/database/testing'
import { createKeys, KeyLooksFullError } from './keys.ts'
import { migrateTelemetry } from './store.ts'

const madeUp = (n: number) => `plk_${n.toString(36).padStart(12, '0')}_${'s'.repeat(43)}`

describe('write keys', () => {
  let db: Database
  before(async () => {
    db = await openScratch()
    await migrateTelemetry(db)
  })
  after(() => db.close())

  /** Keys with a clock of their own, over a store that counts its questions and can be away. */
  const keysAt = (time = 0) => {
    const state = { time, questions: 0, away: false }
    const watched = {
      query: <R>(sql: string, parameters?: readonly unknown[]) => {
        state.questions++
        if (state.away) return Promise.reject(new DatabaseError('gone', 'ECONNREFUSED'))
        return db.query<R>(sql, parameters)
      }
    }
    return { state, keys: createKeys(watched as unknown as Database, () => state.time) }
  }

  it('say whose they are and what they may', async () => {
    const { keys } = keysAt()
    const plain = await keys.create('shop')
    const old = await keys.create('shop', { backfill: true })
    assert.deepEqual(await keys.verify(plain.token), { id: plain.id, project: 'shop', backfill: false })
    assert.deepEqual(await keys.verify(old.token), { id: old.id, project: 'shop', backfill: true })
    assert.notEqual(plain.token, old.token)
  })

  it('are in the store as a hash only', async () => {
    const { token, id } = await keysAt().keys.create('shop')
    const secret = token.split('_').slice(2).join('_')
    const { rows } = await db.query<{ row: string; hash: Buffer }>(
      'select k::text as row, hash from telemetry.keys k where id = $1',
      [id]
    )
    assert.equal(rows[0]!.hash.length, 32)
    assert.ok(!rows[0]!.row.includes(secret) && !rows[0]!.row.includes(Buffer.from(secret).toString('hex')))
  })

  it('are refused with another secret, another id, or in another shape', async () => {
    const { keys, state } = keysAt()
    const { token } = await keys.create('shop')
    const other = await keys.create('shop')
    const swapped = token.slice(0, 17) + other.token.slice(17)
    for (const wrong of [swapped, madeUp(1)]) assert.equal(await keys.verify(wrong), undefined)
    const asked = state.questions
    for (const wrong of ['', 'plk_', token.slice(0, -1), `${token}x`, token.toUpperCase(), `${token}\n`]) {
      assert.equal(await keys.verify(wrong), undefined, JSON.stringify(wrong))
    }
    assert.equal(state.questions, asked, 'what is not of a key’s shape costs no question')
  })

  it('are asked for about once a minute, before their time is over and on the side', async () => {
    const { keys, state } = keysAt()
    const { token } = await keys.create('shop')
    state.questions = 0
    for (state.time of [0, 30_000, 45_000]) assert.ok(await keys.verify(token))
    assert.equal(state.questions, 1)
    for (state.time of [45_001, 45_002]) assert.ok(await keys.verify(token), 'nobody waits')
    assert.equal(state.questions, 2)
    await db.query('select 1')
    for (state.time of [60_000, 90_000]) assert.ok(await keys.verify(token))
    assert.equal(state.questions, 2, 'what was looked for has a minute of its own')
  })

  it('that are unknown are asked for every five seconds, so that a new one soon works everywhere', async () => {
    const { keys, state } = keysAt()
    const elsewhere = keysAt()
    for (state.time of [0, 4_999]) await keys.verify(madeUp(2))
    assert.equal(state.questions, 1)
    state.time = 5_000
    await keys.verify(madeUp(2))
    assert.equal(state.questions, 2)
    const { token } = await elsewhere.keys.create('shop')
    assert.ok(await keys.verify(token))
  })

  it('are known at once by who has asked for them, while they are good, and until they are soon to be asked for again', async () => {
    const { state, keys } = keysAt()
    const { id, token, ...key } = await keys.create('shop')
    const known = () => keys.known(token)
    assert.equal(known(), undefined, 'nobody has asked')
    await keys.verify(token)
    const { questions } = state
    assert.deepEqual(known(), { id, ...key })
    assert.equal(keys.known(token.slice(0, 17) + 's'.repeat(43)), undefined, 'another secret')
    assert.equal(keys.known('plk_nonsense'), undefined)
    state.time = 45_000
    assert.deepEqual(known(), { id, ...key })
    state.time = 45_001
    assert.equal(known(), undefined)
    state.time = 0
    assert.equal(state.questions, questions)
    await keys.revoke('shop', id)
    assert.equal(known(), undefined, 'revoked')
  })

  it('end within a minute of being revoked', async () => {
    const { keys, state } = keysAt()
    const { token, id } = await keys.create('shop')
    assert.ok(await keys.verify(token))
    await db.query('update telemetry.keys set revoked_at = now() where id = $1', [id])
    state.time = 60_000
    assert.equal(await keys.verify(token), undefined)
    assert.equal(await keysAt().keys.verify(token), undefined)
  })

  it('that were good a moment ago are believed while the store is away; others are not judged', async () => {
    const { keys, state } = keysAt()
    const { token } = await keys.create('shop')
    await keys.verify(token)
    state.time = 3_600_000
    state.away = true
    assert.equal((await keys.verify(token))?.project, 'shop')
    await assert.rejects(keys.verify(madeUp(3)), DatabaseError)
  })

  it('are remembered in bounded memory, however many are made up', async () => {
    let questions = 0
    const store = {
      query: async () => {
        questions++
        return { rows: [], affected: 0 }
      }
    }
    const keys = createKeys(store as unknown as Database, () => 0)
    for (let n = 0; n <= 10_000; n++) await keys.verify(madeUp(n))
    assert.equal(questions, 10_001)
    await keys.verify(madeUp(10_000))
    assert.equal(questions, 10_001, 'the latest is remembered')
    await keys.verify(madeUp(0))
    assert.equal(questions, 10_002, 'the oldest had to go')
  })

  /** Keys over a store in memory that has the key of each number for which `isGood`, and counts its questions. */
  const keysOver = (isGood: (n: number) => boolean) => {
    const state = { time: 0, questions: 0, away: false, held: undefined as Promise<void> | undefined }
    const store = {
      query: async (_sql: string, [id]: [string]) => {
        state.questions++
        const key = { id, project: 'shop', hash: hash('sha256', 's'.repeat(43), 'buffer'), backfill: false }
        const rows = isGood(Number.parseInt(id, 36)) ? [key] : []
        await state.held
        if (state.away) throw new DatabaseError('gone', 'ECONNREFUSED')
        return { rows, affected: 1 }
      }
    }
    return { state, keys: createKeys(store as unknown as Database, () => state.time) }
  }

  it('that are good are not pushed out by any number that are made up', async () => {
    const { keys, state } = keysOver(n => n === 0)
    await keys.verify(madeUp(0))
    for (let n = 1; n <= 10_100; n++) assert.equal(await keys.verify(madeUp(n)), undefined)
    const { questions } = state
    assert.equal((await keys.verify(madeUp(0)))?.project, 'shop')
    assert.equal(state.questions, questions, 'from memory')
    state.time = 3_600_000
    state.away = true
    assert.equal((await keys.verify(madeUp(0)))?.project, 'shop', 'also when the store is away')
  })

  it('that are in use outlast those that are not, when there are more than are remembered', async () => {
    const { keys, state } = keysOver(() => true)
    for (let n = 0; n < 10_000; n++) await keys.verify(madeUp(n))
    state.time = 50_000
    await keys.verify(madeUp(0))
    await new Promise(setImmediate)
    await keys.verify(madeUp(10_000))
    state.away = true
    state.time = 100_000
    assert.equal((await keys.verify(madeUp(0)))?.project, 'shop')
    await assert.rejects(keys.verify(madeUp(1)), DatabaseError, 'the one that was looked for the longest ago had to go')
  })

  it('that are not known are looked for so many at once, each once, and in nobody’s way who is known', async () => {
    const { keys, state } = keysOver(n => n === 0 || n === 100)
    await keys.verify(madeUp(0))
    const answered = Promise.withResolvers<void>()
    state.held = answered.promise
    const waiting = Array.from({ length: 32 }, (_, n) => keys.verify(madeUp(n + 1)))
    const { questions } = state
    const next = keys.verify(madeUp(100))
    waiting.push(keys.verify(madeUp(1)))
    assert.equal(state.questions, questions)
    await assert.rejects(next, KeyLooksFullError)
    assert.equal((await keys.verify(madeUp(0)))?.project, 'shop')
    state.time = 60_000
    const again = keys.verify(madeUp(0))
    assert.equal(state.questions, questions + 1, 'the known one alone')
    answered.resolve()
    assert.equal((await again)?.project, 'shop')
    for (const one of waiting) assert.equal(await one, undefined)
    assert.equal((await keys.verify(madeUp(100)))?.project, 'shop')
  })

  it('are refused once they are revoked, also when one was being looked for', async () => {
    let isRevoked = false
    const { keys, state } = keysOver(() => !isRevoked)
    await keys.verify(madeUp(0))
    const answered = Promise.withResolvers<void>()
    state.time = 50_000
    state.held = answered.promise
    assert.ok(await keys.verify(madeUp(0)), 'looked for again on the side')
    isRevoked = true
    state.held = undefined
    const revoking = keys.revoke('shop', madeUp(0).slice(4, 16))
    await new Promise(setImmediate)
    answered.resolve()
    assert.equal(await revoking, true)
    await new Promise(setImmediate)
    assert.equal(await keys.verify(madeUp(0)), undefined)
  })

  it('make their project, once', async () => {
    const { keys } = keysAt()
    await keys.create('twice')
    await keys.ensureProject('twice')
    const { rows } = await db.query("select name from telemetry.projects where name = 'twice'")
    assert.equal(rows.length, 1)
  })
})
