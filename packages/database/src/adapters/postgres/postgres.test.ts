import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Database, Transaction } from '../../database.ts'
import { isUnavailable, isUniqueViolation } from '../../errors.ts'
import { migrate } from '../../migrations.ts'
import { open } from '../../open.ts'
import { type Relay, relayTo, scratchDatabase } from '../../testing.ts'
import type { PostgresOptions } from './postgres.ts'

const server = process.env.PLIMSOLL_DATABASE_URL

/** A database of the test's own, behind a way that can fail. */
async function behindRelay(t: TestContext, options: PostgresOptions): Promise<{ database: Database; way: Relay }> {
  const scratch = await scratchDatabase()
  const way = await relayTo(scratch.url)
  const database = await open(way.url, options)
  t.after(async () => {
    await database.close()
    way.close()
    await scratch.remove()
  })
  return { database, way }
}

describe('the limit of a statement', () => {
  it('is a time that a timer can take, or none', async () => {
    for (const statementTimeoutMs of [0, -1, Number.NaN, 2 ** 31])
      await assert.rejects(open('postgres://127.0.0.1:1/none', { statementTimeoutMs }), RangeError)
  })
})

if (server !== undefined) {
  describe('a server that cannot be reached any more', () => {
    it('is unavailable to each statement of a transaction, and back with the next', async t => {
      const { database, way } = await behindRelay(t, { poolSize: 1 })
      await assert.rejects(
        database.transaction(async tx => {
          await tx.query('select 1')
          way.cut()
          await assert.rejects(tx.query('select 2'), isUnavailable)
          // The connection is known to be broken now: the client refuses by itself.
          await assert.rejects(tx.query('select 3'), isUnavailable)
          throw new Error('given up')
        }),
        /given up/
      )
      await assert.rejects(database.query('select 4'), isUnavailable)
      await way.mend()
      assert.equal((await database.query('select 5')).affected, 1)
    })
  })

  describe('statements that are sent together', () => {
    it('are each answered with their own, when one in the middle is refused and when rows are', async t => {
      const { database } = await behindRelay(t, { poolSize: 1 })
      await database.exec('create table kept (n int primary key, t text)')
      const many = Array.from({ length: 20_000 }, (_, n) => `${n}\t${'x'.repeat(100)}\n`).join('')
      for (const [table, rows, code] of [
        ['missing', many, '42P01'],
        ['kept', `${many}7\tagain\n`, '23505'],
        ['kept', `${many}seven\tno number\n`, '22P02']
      ] as const) {
        await assert.rejects(
          database.transaction(async tx => {
            const [one, rowsOf, two, three] = await Promise.allSettled([
              tx.query('select 1 as n'),
              tx.copyIn(table, ['n', 't'], rows),
              tx.query('select $1::int as n', [2]),
              tx.exec('select 3')
            ])
            assert.deepEqual(one.status === 'fulfilled' && one.value.rows, [{ n: 1 }])
            const codes = [rowsOf, two, three].map(each => each.status === 'rejected' && each.reason.code)
            assert.deepEqual(codes, [code, '25P02', '25P02'])
          }),
          { code: '25P02' }
        )
      }
      // The connection is the same one, and what it says is still what it was asked.
      const asked = await database.transaction(tx =>
        Promise.all([
          tx.copyIn('kept', ['n', 't'], '1\ta\n2\tb\n'),
          tx.query<{ n: number }>('select count(*)::int as n from kept'),
          tx.copyIn('kept', ['n'], '3\n'),
          tx.query<{ n: number }>('select count(*)::int as n from kept')
        ])
      )
      assert.deepEqual([asked[0], asked[1].rows, asked[2], asked[3].rows], [2, [{ n: 2 }], 1, [{ n: 3 }]])
    })
  })

  describe('statements whose answers come at once', () => {
    const direct = async (t: TestContext, options: PostgresOptions = {}) => {
      const scratch = await scratchDatabase()
      const database = await open(scratch.url, { poolSize: 1, ...options })
      t.after(async () => {
        await database.close()
        await scratch.remove()
      })
      return database
    }
    /** Until the server has answered all that was sent: what is read next has all of it. */
    const holdLoop = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)

    it('reject with what the first of them failed with, and not with what it did to the others', async t => {
      const database = await direct(t)
      await database.exec('create table kept (n int primary key); insert into kept values (1)')
      const failing = (work: (tx: Transaction) => Promise<unknown>[]) =>
        database.transaction(async tx => {
          const all = Promise.all(work(tx))
          holdLoop()
          await all
        })
      const again = (tx: Transaction) => tx.query('insert into kept values ($1)', [1])
      const copied = (tx: Transaction) => tx.copyIn('kept', ['n'], '2\n')
      await assert.rejects(
        failing(tx => [again(tx), copied(tx)]),
        isUniqueViolation
      )
      await assert.rejects(
        failing(tx => [copied(tx), again(tx), copied(tx), tx.exec('select 1')]),
        isUniqueViolation
      )
      assert.equal((await database.query('select from kept')).affected, 1)
    })

    it('have each the time that a statement has', async t => {
      const database = await direct(t, { statementTimeoutMs: 1_000 })
      const asked = database.transaction(tx =>
        Promise.all([tx.query('select pg_sleep(0.7)'), tx.query('select pg_sleep(0.7)')])
      )
      assert.equal((await asked).length, 2)
    })
  })

  describe('a server that goes silent', () => {
    // What is answered has to be in time, too.
    const limits = { poolSize: 1, statementTimeoutMs: 1_000, acquireTimeoutMs: 2_000 }
    const didNotAnswer = (error: unknown) => isUnavailable(error) && /did not answer within 1000 ms/.test(String(error))

    it('is unavailable to every kind of statement, and back when it speaks again', async t => {
      const { database, way } = await behindRelay(t, limits)
      await database.exec('create table t (a int)')
      const kinds: ((on: Database) => Promise<unknown>)[] = [
        on => on.query('select 1'),
        on => on.exec('select 1'),
        on => on.copyIn('t', ['a'], '1\n'),
        on => on.transaction(async () => 'nothing is asked but to begin')
      ]
      for (const kind of kinds) {
        way.fallSilent()
        await assert.rejects(kind(database), didNotAnswer)
        way.speak()
        // The pool has a place for one, so this is a new connection.
        await kind(database)
      }
    })

    it('ends a transaction at its first statement without an answer, and all that were sent with it', async t => {
      const { database, way } = await behindRelay(t, limits)
      let failures: unknown[] = []
      await assert.rejects(
        database.transaction(async tx => {
          await tx.query('select 1')
          way.fallSilent()
          const asked = await Promise.allSettled([
            tx.query('select 2'),
            tx.copyIn('t', ['a'], '1\n'),
            tx.exec('select 3')
          ])
          failures = asked.map(answer => answer.status === 'rejected' && answer.reason)
          await Promise.reject(failures[0])
        }),
        didNotAnswer
      )
      assert.equal(failures.length, 3)
      assert.ok(failures.every(isUnavailable), String(failures))
    })

    it('is unavailable to who needs a new connection', async t => {
      const { database, way } = await behindRelay(t, limits)
      way.fallSilent()
      await assert.rejects(database.query('select 1'), isUnavailable)
      await assert.rejects(database.query('select 2'), isUnavailable)
      await assert.rejects(open(way.url, limits), isUnavailable)
      way.speak()
      assert.equal((await database.query('select 3')).affected, 1)
    })

    it('may have done what it did not answer: with an id that is no harm', async t => {
      const { database, way } = await behindRelay(t, { ...limits, poolSize: 3 })
      await database.exec('create table counted (id int primary key)')
      const write = () =>
        database.transaction(async tx => {
          await tx.query('insert into counted values (1) on conflict do nothing')
          // The commit that follows is said into the silence, and carried over after it.
          if (attempts++ === 0) way.fallSilent()
        })
      let attempts = 0
      await assert.rejects(write(), didNotAnswer)
      way.speak()
      await write()
      assert.equal((await database.query('select from counted')).affected, 1)
    })

    it('is waited for as long as a transaction says, as migrations do', async t => {
      const { database } = await behindRelay(t, limits)
      const slow = 'select pg_sleep(1.5)'
      await assert.rejects(database.query(slow), didNotAnswer)
      await database.transaction(tx => tx.exec(slow), { statementTimeoutMs: Number.POSITIVE_INFINITY })
      await assert.rejects(
        database.transaction(async () => undefined, { statementTimeoutMs: 0 }),
        RangeError
      )
      const folder = await mkdtemp(join(tmpdir(), 'plimsoll-migrations-'))
      t.after(() => rm(folder, { recursive: true }))
      await writeFile(join(folder, '0001_slow.sql'), slow)
      assert.deepEqual(await migrate(database, 'test', pathToFileURL(`${folder}/`)), ['0001_slow.sql'])
    })

    it('does not hold up a close', async t => {
      const { database, way } = await behindRelay(t, limits)
      const asked = assert.rejects(database.query('select 1'), isUnavailable)
      way.fallSilent()
      await database.close()
      await asked
    })

    it('asks the server to let go of a transaction whose client is cut off', async t => {
      const { database } = await behindRelay(t, limits)
      const { rows } = await database.query<{ name: string; setting: string }>(
        `select name, setting from pg_settings where name like 'tcp_keepalives%' or name like 'idle_in_transaction%' order by name`
      )
      assert.deepEqual(Object.fromEntries(rows.map(({ name, setting }) => [name, setting])), {
        idle_in_transaction_session_timeout: '30000',
        tcp_keepalives_count: '5',
        tcp_keepalives_idle: '10',
        tcp_keepalives_interval: '2'
      })
    })
  })
}
