import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { copyRows } from './copy-rows.ts'
import { copyRow } from './copy-text.ts'
import type { Database } from './database.ts'
import { DatabaseClosedError, DatabaseError, isUniqueViolation } from './errors.ts'

/** What every engine behind `Database` must do. `openFresh` gives an empty database, closed by the suite. */
export function databaseConformance(name: string, openFresh: () => Promise<Database>): void {
  describe(`database conformance: ${name}`, () => {
    let db: Database
    before(async () => {
      db = await openFresh()
    })
    after(() => db.close())
    const codeOf = (code: string) => (error: unknown) => error instanceof DatabaseError && error.code === code
    const count = async (table: string) =>
      (await db.query<{ n: number }>(`select count(*) as n from ${table}`)).rows[0]!.n

    it('gives back the same values for the same types', async () => {
      const { rows } = await db.query(
        `select $1::int as i, $2::bigint as b, $3::bigint as huge, $4::text as t, $5::boolean as yes, $6::timestamptz as at,
         $7::jsonb as j, $8::bytea as raw, $9::uuid as id, $10::numeric as n, $11::float8 as f, $12::text as missing`,
        [
          7,
          9007199254740991,
          9007199254740993n,
          'naïve "quoted" \\ 🚢',
          true,
          new Date('2026-01-02T03:04:05.678Z'),
          { a: [1, 'x'], b: null },
          Buffer.from([0, 255, 10]),
          '0198c0de-0000-7000-8000-000000000001',
          '1.50',
          0.25,
          undefined
        ]
      )
      assert.deepEqual(rows, [
        {
          i: 7,
          b: 9007199254740991,
          huge: 9007199254740993n,
          t: 'naïve "quoted" \\ 🚢',
          yes: true,
          at: new Date('2026-01-02T03:04:05.678Z'),
          j: { a: [1, 'x'], b: null },
          raw: Buffer.from([0, 255, 10]),
          id: '0198c0de-0000-7000-8000-000000000001',
          n: '1.50',
          f: 0.25,
          missing: null
        }
      ])
    })

    it('carries arrays in and out, with nulls, quotes and commas', async () => {
      const texts = ['a', 'b,c', 'd"e', '{f}', '', 'NULL', 'back\\slash', null]
      const { rows } = await db.query(
        'select $1::text[] as texts, $2::int[] as ints, $3::timestamptz[] as times, $4::jsonb[] as documents, $5::bigint[] as nothing',
        [texts, [1, null, 3], [new Date(0)], [{ a: 'x"y' }], []]
      )
      assert.deepEqual(rows[0], {
        texts,
        ints: [1, null, 3],
        times: [new Date(0)],
        documents: [{ a: 'x"y' }],
        nothing: []
      })
    })

    it('reports how many rows a statement touched', async () => {
      await db.exec('create table touched (n int)')
      assert.equal((await db.query('insert into touched select generate_series(1, 5)')).affected, 5)
      assert.equal((await db.query('update touched set n = n + 1 where n > $1', [3])).affected, 2)
      assert.equal((await db.query('delete from touched where n < 0')).affected, 0)
    })

    it('names the SQLSTATE and the constraint of an error, and stays usable', async () => {
      await db.exec('create table named (n int constraint named_once primary key)')
      await db.query('insert into named values (1)')
      await assert.rejects(db.query('insert into named values (1)'), error => {
        assert.ok(isUniqueViolation(error))
        assert.equal((error as DatabaseError).constraint, 'named_once')
        return true
      })
      await assert.rejects(db.query('selec 1'), codeOf('42601'))
      await assert.rejects(db.query('select $1::int', ['not a number']), codeOf('22P02'))
      assert.deepEqual((await db.query('select 1 as one')).rows, [{ one: 1 }])
    })

    it('loads rows with COPY, escapes and NULLs intact; one bad row refuses the whole statement', async () => {
      await db.exec('create table copied (n int primary key, t text, j jsonb)')
      const tricky = 'tab\tnew\nline\\ \\N 🚢'
      const text = copyRow([1, tricky, { k: 'v\n' }]) + copyRow([2, null, null])
      assert.equal(await db.copyIn('copied', ['n', 't', 'j'], text), 2)
      assert.deepEqual((await db.query('select * from copied order by n')).rows, [
        { n: 1, t: tricky, j: { k: 'v\n' } },
        { n: 2, t: null, j: null }
      ])
      await assert.rejects(db.copyIn('copied', ['n'], '3\n1\n'), isUniqueViolation)
      assert.equal(await count('copied'), 2)
      assert.equal(await db.copyIn('copied', ['n'], '3\n'), 1)
    })

    it('loads rows as bytes, what they say being what text would say', async () => {
      await db.exec(
        'create table packed (n int, big bigint, t text, id uuid, at timestamptz, j json); create unique index on packed (n)'
      )
      const types = ['int4', 'int8', 'text', 'uuid', 'timestamptz', 'json'] as const
      const columns = ['n', 'big', 't', 'id', 'at', 'j']
      const id = '01999999-abcd-7ef0-8123-456789ABCDEF'
      const told = [
        [1, '-9223372036854775808', 'tab\tnew\nline\\ \\N 🚢 \ud800', id, Date.UTC(1970, 0, 1), '{"k": [1, "v\\n"]}'],
        [-2_147_483_648, 2n ** 63n - 1n, '', id.toLowerCase(), new Date('2285-01-01T00:00:00.001Z'), 'null'],
        [2_147_483_647, -1, 'x'.repeat(200_000), id, Date.UTC(1715, 0, 1) + 999, '[]'],
        [0, 0, '0', '00000000-0000-0000-0000-000000000000', 946_684_800_000, '0'],
        [null, undefined, null, null, null, undefined]
      ]
      assert.equal(await db.copyIn('packed', columns, copyRows(types, told)), told.length)
      const { rows } = await db.query<Record<string, unknown>>(
        'select n, big::text as big, t, id::text as id, at, j::text as j from packed order by n nulls last'
      )
      assert.deepEqual(
        rows,
        [told[1]!, told[3]!, told[0]!, told[2]!, told[4]!].map(([n, big, t, uuid, at, j]) => ({
          n,
          big: big === undefined ? null : String(big),
          t: typeof t === 'string' ? t.toWellFormed() : t,
          id: typeof uuid === 'string' ? uuid.toLowerCase() : uuid,
          at: at === null ? null : new Date(at as number),
          j: j ?? null
        }))
      )
      await assert.rejects(db.copyIn('packed', ['n'], copyRows(['int4'], [[3], [1]])), isUniqueViolation)
      await assert.rejects(db.copyIn('packed', ['t'], copyRows(['text'], [['a\0b']])), codeOf('22021'))
      await assert.rejects(db.copyIn('packed', ['j'], copyRows(['json'], [['{']])), codeOf('22P02'))
      assert.equal(await db.copyIn('packed', ['n'], copyRows(['int4'], [])), 0)
      assert.equal(await count('packed'), told.length)
    })

    it('commits a transaction that resolves and rolls back one that rejects', async () => {
      await db.exec('create table moved (n int)')
      assert.equal(await db.transaction(async tx => (await tx.query('insert into moved values (1)')).affected), 1)
      await assert.rejects(
        db.transaction(async tx => {
          await tx.query('insert into moved values (2)')
          throw new Error('changed my mind')
        }),
        /changed my mind/
      )
      assert.equal(await count('moved'), 1)
    })

    it('does not commit after a failed statement, even when its error was swallowed', async () => {
      await db.exec('create table doomed (n int primary key)')
      await assert.rejects(
        db.transaction(async tx => {
          await tx.query('insert into doomed values (1)')
          await tx.query('insert into doomed values (1)').catch(() => undefined)
        }),
        codeOf('25P02')
      )
      assert.equal(await count('doomed'), 0)
    })

    it('shows nothing of a transaction to others before its commit', async () => {
      await db.exec('create table hidden (n int)')
      let seen: Promise<number> | undefined
      await db.transaction(async tx => {
        await tx.query('insert into hidden values (1)')
        seen = count('hidden')
        // On a server the other connection answers now; embedded it waits its turn, and then sees the commit.
        if (db.engine === 'postgres') assert.equal(await seen, 0)
      })
      assert.equal(await seen, db.engine === 'postgres' ? 0 : 1)
    })

    it('obeys read only and isolation', async () => {
      await db.exec('create table guarded (n int)')
      await assert.rejects(
        db.transaction(tx => tx.query('insert into guarded values (1)'), { readOnly: true }),
        codeOf('25006')
      )
      const level = await db.transaction(tx => tx.query('show transaction_isolation'), { isolation: 'repeatable read' })
      assert.deepEqual(level.rows, [{ transaction_isolation: 'repeatable read' }])
    })

    it('tells in-process listeners after the commit, of the channels named, and of nothing else', async () => {
      const heard: string[] = []
      const stop = db.listen('a', () => heard.push('a'))
      db.listen('b', () => heard.push('b'))
      await db.transaction(async tx => {
        tx.notify('a')
        tx.notify('a')
        assert.deepEqual(heard, [])
      })
      await db
        .transaction(async tx => {
          tx.notify('b')
          throw new Error('no')
        })
        .catch(() => undefined)
      assert.deepEqual(heard, ['a'])
      stop()
      await db.transaction(async tx => tx.notify('a'))
      assert.deepEqual(heard, ['a'])
      const details: unknown[] = []
      db.listen('c', all => details.push(all))
      await db.transaction(async tx => {
        tx.notify('c', 1)
        tx.notify('c')
        tx.notify('c', 2)
      })
      assert.deepEqual(details, [[1, 2]])
    })

    it('counts its commits and rollbacks', async () => {
      const before = await db.statistics()
      await db.transaction(async tx => tx.query('select 1'))
      await db.transaction(async () => Promise.reject(new Error('no'))).catch(() => undefined)
      const now = await db.statistics()
      assert.equal(now.commits - before.commits, 1)
      assert.equal(now.rollbacks - before.rollbacks, 1)
    })

    it('finishes what is running on close, then refuses', async () => {
      const running = db.query<{ n: number }>('select count(*) as n from generate_series(1, 200000)')
      await db.close()
      assert.equal((await running).rows[0]!.n, 200_000)
      await assert.rejects(db.query('select 1'), DatabaseClosedError)
      await assert.rejects(
        db.transaction(async () => undefined),
        DatabaseClosedError
      )
      await db.close()
      assert.equal(await db.exited, undefined)
    })
  })
}
