import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { keepHouse } from './housekeeping.ts'
import { open } from './open.ts'
import { scratchDirectory } from './testing.ts'

describe('housekeeping', () => {
  it('lets room that old versions of rows took be used again, on an embedded engine', async t => {
    const scratch = await scratchDirectory()
    const db = await open(scratch.url)
    t.mock.timers.enable({ apis: ['setInterval'] })
    await db.exec('create table rewritten (n int primary key, bytes bytea); insert into rewritten values (1)')
    const rewrite = async () => {
      // Too large for the row itself and not to be compressed: each version leaves its old bytes in a table beside.
      for (let i = 0; i < 40; i++) await db.query('update rewritten set bytes = $1', [randomBytes(20_000)])
      return (await db.query<{ n: number }>("select pg_total_relation_size('rewritten') as n")).rows[0]!.n
    }
    const stop = keepHouse(db, ['rewritten'], { everyMs: 60_000 })
    const before = await rewrite()
    t.mock.timers.tick(60_000)
    const after = await rewrite()
    assert.ok(after < before * 1.5, `${before} bytes before, ${after} after as many again`)
    stop()
    await db.close()
    await scratch.remove()
  })

  it('tells of a failure and goes on', async t => {
    const scratch = await scratchDirectory()
    const db = await open(scratch.url)
    t.mock.timers.enable({ apis: ['setInterval'] })
    const failure = new Promise<unknown>(resolve => {
      keepHouse(db, ['not_there'], { everyMs: 1_000, onError: resolve })
    })
    t.mock.timers.tick(1_000)
    assert.match(String(await failure), /not_there/)
    await db.close()
    await scratch.remove()
  })
})
