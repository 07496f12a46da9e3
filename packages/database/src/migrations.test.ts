import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Database } from './database.ts'
import { MigrationChangedError, MigrationOrderError, migrate } from './migrations.ts'
import { openScratch } from './testing.ts'

describe('migrations', () => {
  let db: Database
  let path: string
  let folder: URL
  before(async () => {
    db = await openScratch()
    path = await mkdtemp(join(tmpdir(), 'plimsoll-migrations-'))
    folder = pathToFileURL(`${path}/`)
    await writeFile(join(path, '0001_first.sql'), 'create table first (n int); insert into first values (1);')
  })
  after(async () => {
    await db.close()
    await rm(path, { recursive: true })
  })

  it('run once, in order, however many start them', async () => {
    const runs = await Promise.all([migrate(db, 'room', folder), migrate(db, 'room', folder)])
    assert.deepEqual(runs.flat(), ['0001_first.sql'])
    await writeFile(join(path, '0002_second.sql'), 'alter table first add column t text;')
    assert.deepEqual(await migrate(db, 'room', folder), ['0002_second.sql'])
    assert.deepEqual((await db.query('select * from first')).rows, [{ n: 1, t: null }])
  })

  it('are undone whole when one fails', async () => {
    await writeFile(join(path, '0003_broken.sql'), 'create table half (n int); select nothing_here();')
    await assert.rejects(migrate(db, 'room', folder), /nothing_here/)
    assert.deepEqual((await db.query("select to_regclass('half') as half")).rows, [{ half: null }])
    await rm(join(path, '0003_broken.sql'))
  })

  it('are refused when one was changed after it ran', async () => {
    await writeFile(join(path, '0001_first.sql'), 'create table first (n bigint);')
    await assert.rejects(migrate(db, 'room', folder), (error: unknown) => {
      assert.ok(error instanceof MigrationChangedError)
      assert.match(error.message, /room\/0001_first\.sql/)
      return true
    })
    await writeFile(join(path, '0001_first.sql'), 'create table first (n int); insert into first values (1);')
    assert.deepEqual(await migrate(db, 'room', folder), [])
  })

  it('are refused with a gap, and against a database of a newer version', async () => {
    await writeFile(join(path, '0004_gap.sql'), 'select 1;')
    await assert.rejects(migrate(db, 'room', folder), MigrationOrderError)
    await rm(join(path, '0004_gap.sql'))
    await rm(join(path, '0002_second.sql'))
    await assert.rejects(migrate(db, 'room', folder), /newer version/)
  })

  it('make the same tables in as many schemas as are named', async () => {
    const shared = await mkdtemp(join(tmpdir(), 'plimsoll-migrations-'))
    await writeFile(join(shared, '0001_shelf.sql'), 'create schema :"schema"; create table :"schema".shelf (n int);')
    const files = pathToFileURL(`${shared}/`)
    for (const schema of ['left_hand', 'right_hand']) {
      assert.deepEqual(await migrate(db, schema, files, { schema }), ['0001_shelf.sql'])
      assert.deepEqual(await migrate(db, schema, files, { schema }), [])
      assert.deepEqual((await db.query(`select * from ${schema}.shelf`)).rows, [])
    }
    await assert.rejects(migrate(db, 'odd', files, { schema: 'a"; drop' }), RangeError)
    await rm(shared, { recursive: true })
  })
})
