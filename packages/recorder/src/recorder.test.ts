import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { crc32 } from 'node:zlib'
import { RecorderDiskError, RecorderVersionError } from './errors.ts'
import { readRecords } from './read.ts'
import type { Occurrence, Sample } from './record.ts'
import { openRecorder, type RecorderOptions } from './recorder.ts'
import { inspect, killWriter, sampleOf, setClock } from './testing.ts'

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'plimsoll-recorder-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const small = { maxBytes: 480_000, files: 4 }

function ring(t: TestContext, options: Partial<RecorderOptions> = {}) {
  const directory = folder(t)
  const clock = setClock()
  const recorder = openRecorder({
    directory: join(directory, 'platform'),
    source: 'platform',
    clock,
    ...small,
    ...options
  })
  t.after(() => recorder.close())
  const read = (from?: number, to?: number) =>
    readRecords(directory, { clock, ...(from !== undefined && { from }), ...(to !== undefined && { to }) })
  return { directory, clock, recorder, read }
}

const fileOf = (directory: string, name = '00.ring') => join(directory, 'platform', name)
/** A file with its version changed, and nothing wrong with it. */
function ofVersion(version: number, bytes: Buffer): Buffer {
  bytes.writeUInt16LE(version, 8)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}
const numbersOf = (records: readonly (Sample | Occurrence)[]) =>
  records.flatMap(record => (record.kind === 'sample' ? [record.values.number!] : []))

describe('what is written', () => {
  it('is what is read: numbers to seven digits, names as they come, and what happened', t => {
    const { recorder, clock, read } = ring(t)
    recorder.sample({ a: 0, b: 65_535, c: 0.1, d: -3, e: Number.NaN, f: 123_456_789_012 })
    clock.pass(1_000)
    recorder.sample({ a: 1, 'later.one': 2 })
    recorder.occurrence('breaker', { subject: 'metadata', detail: { from: 'closed', to: 'open', n: 1, is: true } })
    const [first, second, third] = read().records
    assert.ok(first?.kind === 'sample' && second?.kind === 'sample')
    assert.deepEqual(Object.keys(first.values), ['a', 'b', 'c', 'd', 'f'])
    for (const [name, value] of Object.entries({ a: 0, b: 65_535, c: 0.1, d: -3, f: 123_456_789_012 }))
      assert.ok(Math.abs(first.values[name]! - value) <= Math.abs(value) * 1e-7, name)
    assert.deepEqual(second.values, { a: 1, 'later.one': 2 })
    assert.equal(second.at - first.at, 1_000)
    assert.deepEqual(third, {
      kind: 'occurrence',
      at: second.at,
      source: 'platform',
      name: 'breaker',
      subject: 'metadata',
      detail: { from: 'closed', to: 'open', n: 1, is: true }
    })
  })

  it('is read by time, to the record', t => {
    const { recorder, clock, read } = ring(t)
    const start = clock.wall
    for (let i = 0; i < 100; i++) {
      recorder.sample({ number: i })
      clock.pass(1_000)
    }
    assert.deepEqual(numbersOf(read(start + 40_000, start + 42_000).records), [40, 41, 42])
    assert.equal(read(start, start).lastAt, start + 99_000)
  })

  it('never holds a secret, and is cut where it is long', t => {
    const { recorder, read } = ring(t)
    const secret = 'k3yK3yk3yK3yk3yK3yk3yK3yk3yK3yk3yK3yk3yK3yk3yK3y'
    for (const text of [
      `connect to postgres://app:hunter2@db:5432/x failed`,
      `password=hunter2 is wrong`,
      `{"token":"hunter2"}`,
      `Authorization: Bearer hunter2`,
      `no such key ${secret}`
    ])
      recorder.occurrence('error', { subject: text, detail: { message: text } })
    recorder.occurrence('error', { detail: { message: 'x'.repeat(1_000) } })
    const text = JSON.stringify(read().records)
    assert.doesNotMatch(text, /hunter2|k3yK3y/)
    assert.match(text, /postgres:\/\/\*\*\*@db:5432\/x failed/)
    assert.match(text, /"x{199}…"/)
  })

  it('is bounded in names and in what happens', t => {
    const { recorder, clock, read } = ring(t)
    recorder.sample(Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`name.${i}`, i])))
    for (let i = 0; i < 300; i++) recorder.occurrence('error')
    assert.equal(recorder.lost, 200)
    clock.pass(10_000)
    for (let i = 0; i < 20; i++) recorder.occurrence('error')
    assert.equal(recorder.lost, 218)
    // A storm of one kind keeps no other out.
    recorder.occurrence('breaker')
    assert.equal(recorder.lost, 218)
    const [sample, ...others] = read().records
    assert.equal(sample?.kind === 'sample' && Object.keys(sample.values).length, 500)
    assert.equal(others.length, 103)
  })
})

describe('the ring', () => {
  it('keeps to its bytes, and the newest records in order', t => {
    const { directory, recorder, clock, read } = ring(t)
    for (let i = 1; i <= 10_000; i++) {
      recorder.sample(sampleOf(i))
      clock.pass(1_000)
    }
    const sizes = readdirSync(join(directory, 'platform')).map(name => statSync(fileOf(directory, name)).size)
    assert.deepEqual(sizes, [120_000, 120_000, 120_000, 120_000])
    const { samples, torn, missing, last } = inspect(directory)
    assert.deepEqual({ torn, missing, last }, { torn: 0, missing: 0, last: 10_000 })
    assert.ok(samples > 1_000, String(samples))
    assert.deepEqual(numbersOf(read(clock.wall - 3_000).records), [9_998, 9_999, 10_000])
  })

  it('goes on behind the last record after a restart, and not in a new file', t => {
    const { directory, recorder, clock } = ring(t)
    recorder.sample(sampleOf(1))
    for (let run = 2; run < 30; run++) {
      const next = openRecorder({ directory: join(directory, 'platform'), source: 'platform', clock, ...small })
      next.sample(sampleOf(run))
      next.close()
    }
    assert.deepEqual(inspect(directory), { samples: 29, torn: 0, missing: 0, last: 29 })
    assert.deepEqual(readdirSync(join(directory, 'platform')), ['00.ring', '01.ring'])
  })

  it('uses the oldest file again where the disk has no room for another', t => {
    const { directory, recorder } = ring(t)
    // What cannot be made, because something else is there.
    mkdirSync(fileOf(directory, '02.ring'))
    for (let i = 1; i <= 3_000; i++) recorder.sample(sampleOf(i))
    const { torn, missing, last } = inspect(directory)
    assert.deepEqual({ torn, missing, last }, { torn: 0, missing: 0, last: 3_000 })
    assert.equal(recorder.lost, 0)
  })

  it('says so when there is no place for a single file', t => {
    const directory = folder(t)
    writeFileSync(join(directory, 'platform'), '')
    assert.throws(() => openRecorder({ directory: join(directory, 'platform'), source: 'platform' }), RecorderDiskError)
  })

  it('counts what the disk does not take, and tells it once', t => {
    const told: unknown[] = []
    const { directory, recorder } = ring(t, { onError: error => told.push(error) })
    rmSync(join(directory, 'platform'), { recursive: true })
    for (let i = 1; i <= 3_000; i++) recorder.sample(sampleOf(i))
    assert.ok(recorder.lost > 1_000)
    assert.equal(told.length, 1)
  })
})

describe('a damaged ring', () => {
  it('loses the records that do not check, and no other', t => {
    const { directory, recorder } = ring(t)
    for (let i = 1; i <= 200; i++) recorder.sample(sampleOf(i))
    const bytes = readFileSync(fileOf(directory))
    for (const at of [9_000, 20_000]) bytes.fill(0xff, at, at + 10)
    writeFileSync(fileOf(directory), bytes)
    const { samples, torn, missing, last } = inspect(directory)
    assert.deepEqual({ torn, last }, { torn: 0, last: 200 })
    assert.ok(samples >= 196 && missing === 2, `${samples} left, ${missing} gaps`)
  })

  it('is read whatever byte is wrong, without a torn record', t => {
    const { directory, recorder } = ring(t)
    for (let i = 1; i <= 30; i++) recorder.sample(sampleOf(i))
    const good = readFileSync(fileOf(directory))
    for (let at = 64; at < 8_000; at += 101) {
      const bytes = Buffer.from(good)
      bytes[at]! ^= 0x55
      writeFileSync(fileOf(directory), bytes)
      assert.equal(inspect(directory).torn, 0, `byte ${at}`)
    }
  })

  it('knows the names again after ten minutes where they are what is damaged', t => {
    const { directory, recorder } = ring(t)
    for (let i = 1; i <= 601; i++) recorder.sample({ number: i })
    const bytes = readFileSync(fileOf(directory))
    bytes.fill(0xff, bytes.indexOf('"number"'), bytes.indexOf('"number"') + 4)
    writeFileSync(fileOf(directory), bytes)
    assert.deepEqual(numbersOf(readRecords(directory).records), [600, 601])
  })

  it('tells of a file that is none of its own, and of one that is cut short, and reads the rest', t => {
    const { directory, recorder } = ring(t)
    for (let i = 1; i <= 300; i++) recorder.sample(sampleOf(i))
    writeFileSync(fileOf(directory, '02.ring'), 'this is a letter')
    writeFileSync(fileOf(directory, '03.ring'), `this is ${'a long letter '.repeat(20)}`)
    writeFileSync(fileOf(directory, 'letter.txt'), 'dear reader')
    writeFileSync(fileOf(directory), readFileSync(fileOf(directory)).subarray(0, 30_000))
    const { records, skipped } = readRecords(directory)
    assert.deepEqual(
      skipped.map(({ why }) => why),
      ['it is shorter than a header', 'it is no file of a black box']
    )
    assert.ok(records.length > 50)
    assert.equal(readFileSync(fileOf(directory, 'letter.txt'), 'utf8'), 'dear reader')
  })

  it('loses one file to a wrong byte in its header, whichever byte it is, and can be written on', t => {
    const { directory, recorder, clock } = ring(t)
    const again = () => openRecorder({ directory: join(directory, 'platform'), source: 'platform', clock, ...small })
    for (let i = 1; i <= 1_000; i++) recorder.sample(sampleOf(i))
    const good = readFileSync(fileOf(directory))
    writeFileSync(fileOf(directory), Buffer.alloc(good.length))
    const others = readRecords(directory).records
    assert.ok(others.length > 50 && others.length < 900)
    for (let at = 0; at < 64; at++) {
      const bytes = Buffer.from(good)
      bytes[at]! ^= 0xaa
      writeFileSync(fileOf(directory), bytes)
      const { records, skipped } = readRecords(directory)
      assert.deepEqual(records, others, `byte ${at}`)
      assert.deepEqual(
        skipped.map(({ file }) => file),
        [fileOf(directory)]
      )
      again().close()
    }
    // The newest, so that the next one is written where it is.
    writeFileSync(fileOf(directory), good)
    const newest = readFileSync(fileOf(directory, '01.ring'))
    newest[8]! ^= 0xaa
    writeFileSync(fileOf(directory, '01.ring'), newest)
    const next = again()
    for (let i = 1_001; i <= 1_200; i++) next.sample(sampleOf(i))
    next.close()
    assert.equal(inspect(directory).last, 1_200)
  })

  it('of a later version is told, and refused only where there is nothing else', t => {
    const { directory, recorder } = ring(t)
    recorder.sample(sampleOf(1))
    writeFileSync(fileOf(directory), ofVersion(2, readFileSync(fileOf(directory))))
    assert.throws(
      () => readRecords(directory),
      (error: unknown) =>
        error instanceof RecorderVersionError && error.code === 'RECORDER_VERSION' && /version 2/.test(error.message)
    )
    const watcher = openRecorder({ directory: join(directory, 'watcher'), source: 'watcher', ...small })
    watcher.sample({ number: 7 })
    watcher.close()
    const { records, skipped } = readRecords(directory)
    assert.deepEqual(numbersOf(records), [7])
    assert.match(skipped[0]!.why, /version 2/)
  })

  it('of a later version is written on, in files of its own and within its bytes', t => {
    const { directory, recorder } = ring(t)
    const again = () => openRecorder({ directory: join(directory, 'platform'), source: 'platform', ...small })
    for (let i = 1; i <= 5_000; i++) recorder.sample(sampleOf(i))
    const names = readdirSync(join(directory, 'platform'))
    for (const name of names)
      writeFileSync(fileOf(directory, name), ofVersion(2, readFileSync(fileOf(directory, name))))
    const left = () => readRecords(directory).skipped.length
    const first = again()
    first.sample({ number: 1 })
    first.close()
    // The oldest of them went, as it would have gone.
    assert.equal(left(), names.length - 1)
    const second = again()
    for (let i = 2; i <= 5_000; i++) second.sample(sampleOf(i))
    second.close()
    assert.equal(left(), 0)
    assert.equal(inspect(directory).last, 5_000)
    const sizes = readdirSync(join(directory, 'platform')).map(name => statSync(fileOf(directory, name)).size)
    assert.deepEqual(sizes, [120_000, 120_000, 120_000, 120_000])
  })

  it('is empty before anything was written, and where there is no folder', t => {
    const { directory } = ring(t)
    assert.deepEqual(readRecords(directory), { records: [], skipped: [], lastAt: undefined })
    assert.deepEqual(readRecords(join(directory, 'nowhere')).records, [])
  })
})

describe('a clock that jumps', () => {
  it('is put right by the time since the machine was started', t => {
    const { recorder, clock, read } = ring(t)
    const start = clock.wall
    for (const jump of [0, 0, 3_600_000, 0, -3_600_000, -60_000, 0]) {
      clock.wall += jump
      recorder.sample({ number: clock.up })
      clock.pass(1_000)
    }
    const { records } = read()
    assert.deepEqual(
      records.map(({ at }) => at),
      records.map((_, index) => start - 60_000 + index * 1_000)
    )
    assert.equal(read(clock.wall - 2_500).records.length, 2)
  })

  it('is left as it was in the records of an earlier start of the machine', t => {
    const { recorder, clock, read } = ring(t)
    const start = clock.wall
    recorder.sample({ number: 1 })
    clock.boot = 'boot-2'
    clock.wall += 86_400_000
    clock.up = 5_000
    assert.equal(read().records[0]?.at, start)
  })
})

describe('several at once', () => {
  it('are merged by time: the platform and its watcher', t => {
    const { directory, recorder, clock, read } = ring(t)
    const watcher = openRecorder({ directory: join(directory, 'watcher'), source: 'watcher', clock, ...small })
    t.after(() => watcher.close())
    for (let i = 0; i < 10; i++) {
      recorder.sample({ number: i })
      clock.pass(400)
      watcher.sample({ number: i })
      clock.pass(600)
    }
    const { records } = read()
    assert.deepEqual(
      records,
      records.toSorted((a, b) => a.at - b.at)
    )
    assert.deepEqual(
      records.slice(0, 4).map(({ source }) => source),
      ['platform', 'watcher', 'platform', 'watcher']
    )
  })

  it('kill -9 at any moment: no record is torn, and what was said to be written is there', {
    timeout: 120_000
  }, async t => {
    const directory = folder(t)
    let last = 0
    for (let run = 0; run < 5; run++) {
      const said = await killWriter(join(directory, 'platform'), Math.random() * 40, last)
      const { torn, missing, ...found } = inspect(directory)
      last = found.last
      assert.deepEqual({ torn, missing }, { torn: 0, missing: 0 }, `run ${run}`)
      // It is killed between the write and the word, or after the word.
      assert.ok(last >= said && last <= said + 2, `${said} was said, ${last} is there`)
    }
  })

  it('a reader beside a writer, and a second writer beside the first, tear nothing', { timeout: 120_000 }, async t => {
    const directory = folder(t)
    const path = join(directory, 'platform')
    let done = false
    const killed = Promise.all([killWriter(path, 150), killWriter(path, 200)]).then(() => {
      done = true
    })
    let looks = 0
    while (!done) {
      assert.equal(inspect(directory).torn, 0)
      looks++
      await new Promise(resolve => setImmediate(resolve))
    }
    await killed
    assert.ok(looks > 0)
    assert.equal(inspect(directory).torn, 0)
  })
})
