import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { SpoolCorruptError } from './errors.ts'
import { openSpool } from './spool.ts'
import { contentOf, directoryFor, readAll } from './testing.ts'

const maxBytes = 1_000_000
const texts = Array.from({ length: 6 }, (_, i) => `record ${i} ${'.'.repeat(i * 7)}`)

/** Six records in one segment, or two a segment. */
async function written(t: TestContext, segmentBytes = 8_000): Promise<{ directory: string; names: string[] }> {
  const directory = join(directoryFor(t), 'spool')
  const spool = await openSpool({ directory, maxBytes, segmentBytes })
  for (const text of texts) await spool.append(Buffer.from(text))
  await spool.close()
  return { directory, names: readdirSync(directory).toSorted() }
}

/** Ends of the whole records in a segment of these texts. */
function endsOf(records: string[]): number[] {
  let end = 56
  return records.map(text => (end += 32 + text.length))
}

describe('a torn end', () => {
  test('cut at any byte, it keeps every whole record, and gives no number of those again', async t => {
    const { directory, names } = await written(t)
    const path = join(directory, names[0]!)
    const whole = readFileSync(path)
    const ends = endsOf(texts)
    for (let size = whole.length; size >= 0; size--) {
      writeFileSync(path, whole.subarray(0, size))
      const kept = ends.filter(end => end <= size).length
      const { records, errors } = await contentOf(directory)
      assert.deepEqual([...records.values()], texts.slice(0, kept), `${size} bytes`)
      assert.deepEqual(errors, [])
      if (size % 40 !== 0) continue
      const spool = await openSpool({ directory, maxBytes })
      const number = await spool.append(Buffer.from('next'))
      assert.ok(number > kept, `${number}`)
      assert.deepEqual([...(await readAll(spool)).values()], [...texts.slice(0, kept), 'next'])
      await spool.close()
      for (const name of readdirSync(directory)) if (name !== names[0]) rmSync(join(directory, name))
    }
  })

  test('a number behind it that a reader may have seen is not given again', async t => {
    const { directory, names } = await written(t)
    const path = join(directory, names[0]!)
    const bytes = readFileSync(path)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(path, bytes)
    for (let round = 0; round < 3; round++) assert.equal((await contentOf(directory)).records.size, 5)
    const spool = await openSpool({ directory, maxBytes })
    assert.ok((await spool.append(Buffer.from('next'))) > 6)
    await spool.close()
    const { records, errors } = await contentOf(directory)
    assert.deepEqual([...records.values()], [...texts.slice(0, 5), 'next'])
    assert.deepEqual(errors, [])
  })
})

describe('a flipped bit', () => {
  test('never makes a wrong record: what is read is what was written, less at most one', async t => {
    const { directory } = await written(t, 256)
    const names = readdirSync(directory)
    const copy = join(directory, '../copy')
    await fc.assert(
      fc.asyncProperty(fc.nat(names.length - 1), fc.nat(), fc.nat(7), async (file, place, bit) => {
        rmSync(copy, { recursive: true, force: true })
        cpSync(directory, copy, { recursive: true })
        const path = join(copy, names[file]!)
        const bytes = readFileSync(path)
        bytes[place % bytes.length]! ^= 1 << bit
        writeFileSync(path, bytes)
        const { records, errors } = await contentOf(copy)
        for (const [sequence, text] of records) assert.equal(text, texts[sequence - 1])
        assert.ok(records.size >= 5, `${records.size}`)
        // Only the end of the last segment can pass for torn.
        if (records.size < 6 && records.has(6)) assert.ok(errors[0] instanceof SpoolCorruptError)
        const again = await contentOf(copy)
        assert.deepEqual(again.records, records)
        assert.deepEqual(again.errors, [])
      }),
      { numRuns: 150 }
    )
  })

  test('in the middle is told with place and count, and the damaged file is put aside', async t => {
    const { directory, names } = await written(t)
    const path = join(directory, names[0]!)
    const ends = endsOf(texts)
    const bytes = readFileSync(path)
    bytes[ends[1]! + 40]! ^= 4
    writeFileSync(path, bytes)
    const { records, errors } = await contentOf(directory)
    assert.deepEqual([...records.keys()], [1, 2, 4, 5, 6])
    assert.equal(errors.length, 1)
    const quarantined = `${path}.corrupt`
    const places = [{ from: ends[1]!, to: ends[2]! }]
    const badBytes = ends[2]! - ends[1]!
    assert.deepEqual((errors[0] as SpoolCorruptError).corruption, {
      path,
      badBytes,
      places,
      kept: 5,
      missing: 1,
      quarantined
    })
    assert.deepEqual(readFileSync(quarantined), bytes)
    const spool = await openSpool({ directory, maxBytes })
    assert.equal(await spool.append(Buffer.from('next')), 7)
    await spool.release(7)
    assert.ok(readdirSync(directory).includes(`${names[0]}.corrupt`))
    await spool.close()
  })

  test('that comes while the spool is open is passed over and told', async t => {
    const directory = directoryFor(t)
    const errors: Error[] = []
    const spool = await openSpool({ directory, maxBytes, onError: error => errors.push(error) })
    for (const text of texts) await spool.append(Buffer.from(text))
    const path = join(directory, readdirSync(directory).find(name => name.endsWith('.spool'))!)
    const bytes = readFileSync(path)
    bytes[60]! ^= 4
    writeFileSync(path, bytes)
    assert.deepEqual([...(await readAll(spool)).keys()], [2, 3, 4, 5, 6])
    assert.ok(errors[0] instanceof SpoolCorruptError)
    await spool.close()
  })
})

describe('a damaged segment that is not the last', () => {
  test('its missing end is told, for it was acknowledged', async t => {
    const { directory, names } = await written(t, 256)
    truncateSync(join(directory, names[0]!), 60)
    const { errors } = await contentOf(directory)
    assert.equal((errors[0] as SpoolCorruptError).code, 'SPOOL_CORRUPT')
  })

  test('one that is gone is told', async t => {
    const { directory, names } = await written(t, 256)
    rmSync(join(directory, names[1]!))
    const { errors } = await contentOf(directory)
    assert.match(errors[0]!.message, new RegExp(`${names[1]} is missing`))
  })

  test('a segment of another spool inside a record leads nobody astray', async t => {
    const { directory, names } = await written(t)
    const inner = readFileSync(join(directory, names[0]!))
    const outer = join(directory, '../outer')
    const spool = await openSpool({ directory: outer, maxBytes })
    await spool.append(inner)
    await spool.append(Buffer.from('behind'))
    await spool.close()
    const path = join(outer, readdirSync(outer)[0]!)
    const bytes = readFileSync(path)
    bytes[57 + 40]! ^= 1
    writeFileSync(path, bytes)
    assert.deepEqual([...(await contentOf(outer)).records], [[2, 'behind']])
  })

  test('what is left of an unfinished repair is removed, and a strange file is left alone', async t => {
    const { directory, names } = await written(t)
    writeFileSync(join(directory, `${names[0]}.repair`), 'half')
    writeFileSync(join(directory, 'notes.txt'), 'mine')
    mkdirSync(join(directory, 'a folder'))
    assert.equal((await contentOf(directory)).records.size, 6)
    assert.deepEqual(readdirSync(directory).toSorted(), [...names, 'a folder', 'notes.txt'].toSorted())
  })
})
