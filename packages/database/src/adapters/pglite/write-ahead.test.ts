import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { open } from '../../open.ts'
import { scratchDirectory } from '../../testing.ts'
import { following, WriteAhead } from './write-ahead.ts'

const segment = (n: number) => `0000000100000000${n.toString(16).toUpperCase().padStart(8, '0')}`

describe('the write-ahead log of an embedded engine', () => {
  const made: string[] = []
  after(() => Promise.all(made.map(directory => rm(directory, { recursive: true }))))
  const dataDirectory = async () => {
    const directory = await mkdtemp(join(tmpdir(), 'plimsoll-wal-'))
    made.push(directory)
    await mkdir(join(directory, 'pg_wal'))
    await mkdir(join(directory, 'base', '5'), { recursive: true })
    return directory
  }

  it('names the segment behind another, over the end of 4 GB too', () => {
    assert.equal(following('000000010000000000000001'), '000000010000000000000002')
    assert.equal(following('0000000100000000000000FF'), '000000010000000100000000')
    assert.equal(following('00000002000000FE000000FF'), '00000002000000FF00000000')
  })

  it('has the next segment ready, 16 MB of zeros, and leaves nothing unfinished', async () => {
    const directory = await dataDirectory()
    const writeAhead = new WriteAhead({ directory, checkpoint: async () => undefined })
    writeAhead.begun(segment(1))
    await writeAhead.idle()
    assert.deepEqual(readdirSync(join(directory, 'pg_wal')), [segment(2)])
    const bytes = await readFile(join(directory, 'pg_wal', segment(2)))
    assert.equal(bytes.length, 16 * 1024 * 1024)
    assert.ok(bytes.every(byte => byte === 0))
  })

  it('never replaces a segment that is there', async () => {
    const directory = await dataDirectory()
    await writeFile(join(directory, 'pg_wal', segment(2)), 'written by the engine')
    const writeAhead = new WriteAhead({ directory, checkpoint: async () => undefined })
    writeAhead.begun(segment(1))
    await writeAhead.idle()
    assert.equal(await readFile(join(directory, 'pg_wal', segment(2)), 'utf8'), 'written by the engine')
  })

  it('goes on, and leaves nothing half made, when a segment cannot be made', async () => {
    const directory = await dataDirectory()
    // A name that leads nowhere: it seems free, and cannot be linked to.
    await symlink(join(directory, 'nowhere'), join(directory, 'pg_wal', segment(2)))
    let asked = 0
    const writeAhead = new WriteAhead({ directory, segmentsBetween: 1, checkpoint: async () => void asked++ })
    writeAhead.begun(segment(1))
    await writeAhead.idle()
    assert.equal(asked, 1)
    assert.deepEqual(readdirSync(join(directory, 'pg_wal')), [segment(2)])
  })

  it('asks for a checkpoint each so many segments, and again after one that failed', async () => {
    const directory = await dataDirectory()
    await writeFile(join(directory, 'base', '5', '16384'), 'a table')
    let asked = 0
    const writeAhead = new WriteAhead({
      directory,
      segmentsBetween: 3,
      checkpoint: async () => {
        asked++
        if (asked === 1) throw new Error('the engine is ending')
      }
    })
    const askedAfter: number[] = []
    for (let n = 1; n <= 7; n++) {
      writeAhead.begun(segment(n))
      await writeAhead.idle()
      askedAfter.push(asked)
    }
    assert.deepEqual(askedAfter, [0, 0, 1, 1, 1, 2, 2])
  })

  it('does nothing more once it is closed', async () => {
    const directory = await dataDirectory()
    const writeAhead = new WriteAhead({ directory, checkpoint: async () => assert.fail('closed'), segmentsBetween: 1 })
    await writeAhead.close()
    writeAhead.begun(segment(1))
    await writeAhead.idle()
    assert.deepEqual(readdirSync(join(directory, 'pg_wal')), [])
  })

  it('is a step ahead of the real engine, which goes on in what was prepared and reads it again', async () => {
    const { url, directory, remove } = await scratchDirectory()
    try {
      let db = await open(url)
      await db.exec('create table t (n int primary key, v text)')
      const text = 'x'.repeat(1_000)
      let n = 0
      const write = () => db.copyIn('t', ['n', 'v'], Array.from({ length: 1_000 }, () => `${n++}\t${text}\n`).join(''))
      const current = async () =>
        (await db.query<{ name: string }>('select pg_walfile_name(pg_current_wal_lsn()) as name')).rows[0]!.name
      await write()
      const first = await current()
      const prepared = join(directory, 'pg_wal', following(first))
      while (!existsSync(prepared)) await current()
      assert.equal(await current(), first, 'made before the engine was there')
      const { ino } = statSync(prepared)
      while ((await current()) === first) await write()
      assert.equal(await current(), following(first))
      assert.equal(statSync(prepared).ino, ino, 'the engine took it')
      await db.close()
      db = await open(url)
      assert.equal((await db.query<{ n: number }>('select count(*)::int as n from t')).rows[0]!.n, n)
      await db.close()
    } finally {
      await remove()
    }
  })
})
