import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { machineFiles, type SpoolFiles } from './files.ts'
import { openSpool, openSpoolOn } from './spool.ts'
import { contentOf, directoryFor, readAll } from './testing.ts'

const maxBytes = 1_000_000
const segmentsIn = (directory: string) => readdirSync(directory).filter(name => name.endsWith('.spool'))

describe('a spool', () => {
  test('gives records back in order, with their number and time, until they are released', async t => {
    const directory = directoryFor(t)
    const spool = await openSpool({ directory, maxBytes, clock: { now: () => 1_700_000_000_000 } })
    const numbers = await Promise.all(['a', 'b', 'c'].map(text => spool.append(Buffer.from(text))))
    assert.deepEqual(numbers, [1, 2, 3])
    const [first] = await spool.read({ after: 0, limitRecords: 1 })
    assert.deepEqual(first, { sequence: 1, record: Buffer.from('a'), appendedAt: 1_700_000_000_000 })
    await spool.release(2)
    assert.deepEqual([...(await readAll(spool))], [[3, 'c']])
    const { records, first: oldest, last, oldestAppendedAt } = spool.state
    assert.deepEqual(
      { records, oldest, last, oldestAppendedAt },
      { records: 1, oldest: 3, last: 3, oldestAppendedAt: 1_700_000_000_000 }
    )
    await spool.close()
  })

  test('keeps records over a restart, in files that only their owner reads', async t => {
    // As somebody would write it in settings: not made yet, and told from where the process runs.
    const directory = relative(process.cwd(), join(directoryFor(t), 'deep/spool'))
    const spool = await openSpool({ directory, maxBytes })
    await spool.append(Buffer.from('kept'))
    assert.equal(statSync(directory).mode & 0o777, 0o700)
    for (const name of readdirSync(directory)) assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600, name)
    await spool.close()
    assert.deepEqual([...(await contentOf(directory)).records], [[1, 'kept']])
  })

  test('never gives a number twice: not when all was released, nor after restarts, nor in an emptied directory', async t => {
    const directory = directoryFor(t)
    let last = 0
    for (let round = 0; round < 6; round++) {
      const spool = await openSpool({ directory, maxBytes })
      if (round % 3 !== 1) {
        const number = await spool.append(Buffer.from('x'))
        assert.ok(number > last)
        last = number
      }
      if (round % 2 === 0) await spool.release(last)
      await spool.close()
    }
    rmSync(directory, { recursive: true })
    const spool = await openSpool({ directory, maxBytes, after: last })
    assert.ok((await spool.append(Buffer.from('x'))) > last)
    await spool.close()
  })

  test('deletes each segment that is wholly released, and the last one when everything is', async t => {
    const directory = directoryFor(t)
    const spool = await openSpool({ directory, maxBytes, segmentBytes: 256 })
    for (let i = 0; i < 12; i++) await spool.append(Buffer.alloc(50))
    assert.equal(segmentsIn(directory).length, 6)
    await spool.release(5)
    assert.equal(segmentsIn(directory).length, 4)
    assert.equal(spool.state.records, 7)
    await spool.release(1_000)
    assert.equal(segmentsIn(directory).length, 1)
    assert.deepEqual(spool.state, { records: 0, bytes: 0, oldestAppendedAt: null, first: null, last: null })
    assert.equal(await spool.append(Buffer.from('x')), 13)
    await spool.close()
  })

  test('takes no more than maxBytes, and more again after a release', async t => {
    const directory = directoryFor(t)
    const spool = await openSpool({ directory, maxBytes: 4_096, segmentBytes: 1_024 })
    const append = () => spool.append(Buffer.alloc(300))
    const outcomes = await Promise.allSettled(Array.from({ length: 30 }, append))
    const kept = outcomes.filter(({ status }) => status === 'fulfilled').length
    assert.ok(kept >= 8 && kept < 13, `${kept}`)
    const bytes = segmentsIn(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
    assert.ok(bytes <= 4_096, `${bytes}`)
    await assert.rejects(append(), { code: 'SPOOL_FULL', maxBytes: 4_096, bytes: spool.state.bytes })
    await spool.release(spool.state.last!)
    await append()
    await spool.close()
  })

  test('takes a record longer than a segment, none longer than maxRecordBytes, and an empty one', async t => {
    const directory = directoryFor(t)
    const spool = await openSpool({ directory, maxBytes, segmentBytes: 256, maxRecordBytes: 500_000 })
    await assert.rejects(spool.append(Buffer.alloc(500_001)), { code: 'SPOOL_RECORD_TOO_LARGE' })
    const long = 'é'.repeat(250_000)
    await Promise.all([spool.append(Buffer.from(long)), spool.append(Buffer.alloc(0))])
    assert.deepEqual([...(await readAll(spool)).values()], [long, ''])
    await spool.close()
  })

  test('lets no more wait in memory than maxPendingBytes', async t => {
    const spool = await openSpool({ directory: directoryFor(t), maxBytes, maxPendingBytes: 100 })
    const first = spool.append(Buffer.alloc(90))
    await assert.rejects(spool.append(Buffer.alloc(90)), { code: 'SPOOL_BUSY' })
    await first
    await spool.append(Buffer.alloc(90))
    await spool.close()
  })

  test('reads at least one record, then as many as the limits say', async t => {
    const spool = await openSpool({ directory: directoryFor(t), maxBytes, segmentBytes: 256 })
    await Promise.all(Array.from({ length: 10 }, () => spool.append(Buffer.alloc(100))))
    assert.equal((await spool.read({ after: 0, limitBytes: 1 })).length, 1)
    assert.equal((await spool.read({ after: 0, limitBytes: 350 })).length, 3)
    assert.equal((await spool.read({ after: 4, limitRecords: 2 }))[0]!.sequence, 5)
    assert.deepEqual(await spool.read({ after: 10 }), [])
    await spool.close()
  })

  test('writes what is appended at once with one sync', async t => {
    let syncs = 0
    const files: SpoolFiles = {
      ...machineFiles,
      async open(path, flags, mode) {
        const file = await open(path, flags, mode)
        const datasync = file.datasync.bind(file)
        file.datasync = () => {
          syncs++
          return datasync()
        }
        return file
      }
    }
    const spool = await openSpoolOn(files, { directory: directoryFor(t), maxBytes })
    await Promise.all(Array.from({ length: 200 }, () => spool.append(Buffer.from('x'))))
    assert.equal(syncs, 2)
    await spool.close()
  })

  test('is done with when it is closed, after what was taken', async t => {
    const directory = directoryFor(t)
    const spool = await openSpool({ directory, maxBytes })
    const taken = spool.append(Buffer.from('taken'))
    await Promise.all([spool.close(), spool.close()])
    assert.equal(await taken, 1)
    await assert.rejects(spool.append(Buffer.from('x')), { code: 'SPOOL_CLOSED' })
    await assert.rejects(spool.read({ after: 0 }), { code: 'SPOOL_CLOSED' })
    await assert.rejects(spool.release(1), { code: 'SPOOL_CLOSED' })
    assert.equal((await contentOf(directory)).records.size, 1)
  })

  test('refuses settings that make no sense', async t => {
    const directory = directoryFor(t)
    for (const wrong of [{ maxBytes: 10 }, { maxBytes, maxRecordBytes: maxBytes }, { maxBytes, segmentBytes: 1 }]) {
      await assert.rejects(openSpool({ directory, ...wrong }), RangeError)
    }
  })
})

describe('one process at a time', () => {
  test('a second one is told who has the directory', async t => {
    const directory = directoryFor(t)
    const spool = await openSpool({ directory, maxBytes })
    await assert.rejects(openSpool({ directory, maxBytes }), { code: 'SPOOL_LOCKED', pid: process.pid })
    const other = `import { openSpool } from '${import.meta.dirname}/index.ts'
      await openSpool({ directory: '${directory}', maxBytes: 9999 }).catch(error => console.log(error.pid))`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', other], { encoding: 'utf8' })
    assert.equal(Number(out), process.pid)
    await spool.close()
    await (await openSpool({ directory, maxBytes })).close()
  })

  test('a lock whose process is gone is taken over', async t => {
    const directory = directoryFor(t)
    const gone = Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }))
    writeFileSync(join(directory, `${gone}-1.lock`), '')
    writeFileSync(join(directory, `${process.pid}-1.lock`), '')
    const spool = await openSpool({ directory, maxBytes })
    await spool.close()
    assert.deepEqual(readdirSync(directory), [])
  })
})
