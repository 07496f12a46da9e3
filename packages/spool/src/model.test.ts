import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openSpool } from './spool.ts'
import { directoryFor, readAll } from './testing.ts'

const segmentBytes = 400
const step = fc.oneof(
  fc.record({ append: fc.array(fc.nat(150), { minLength: 1, maxLength: 6 }) }),
  fc.record({ read: fc.double({ min: 0, max: 1, noNaN: true }), limitRecords: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ release: fc.double({ min: 0, max: 1.2, noNaN: true }) }),
  fc.constant({ reopen: true })
)

test('a spool is a list that is appended to at its end and released from its start, over any number of restarts', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async steps => {
      const directory = directoryFor(t)
      const open = () => openSpool({ directory, maxBytes: 100_000, segmentBytes, onError: error => assert.fail(error) })
      let spool = await open()
      let list: [number, string][] = []
      let released: [number, string][] = []
      let last = 0
      const at = (share: number) => Math.round((list[0]?.[0] ?? last) + share * (last - (list[0]?.[0] ?? last)))

      for (const step of steps) {
        if ('append' in step) {
          const texts = step.append.map(size => `${size}`.padEnd(size, '.'))
          const numbers = await Promise.all(texts.map(text => spool.append(Buffer.from(text))))
          for (const [i, number] of numbers.entries()) {
            assert.ok(number > last)
            last = number
            list.push([number, texts[i]!])
          }
        } else if ('read' in step) {
          const after = at(step.read)
          const read = await spool.read({ after, limitRecords: step.limitRecords })
          const expected = list.filter(([number]) => number > after).slice(0, step.limitRecords)
          assert.deepEqual(
            read.map(({ sequence, record }) => [sequence, record.toString()]),
            expected
          )
        } else if ('release' in step) {
          const upTo = at(step.release)
          await spool.release(upTo)
          released.push(...list.filter(([number]) => number <= upTo))
          list = list.filter(([number]) => number > upTo)
        } else {
          await spool.close()
          spool = await open()
          const there = [...(await readAll(spool))]
          const back = there.slice(0, there.length - list.length)
          assert.deepEqual(there.slice(back.length), list)
          assert.deepEqual(back, back.length === 0 ? [] : released.slice(-back.length))
          assert.ok(back.reduce((sum, [, text]) => sum + 32 + text.length, 0) <= segmentBytes)
          released = released.slice(0, released.length - back.length)
          list = there
        }
        const { records, first, last: newest } = spool.state
        assert.deepEqual([records, first, newest], [list.length, list[0]?.[0] ?? null, list.at(-1)?.[0] ?? null])
      }
      await spool.close()
    }),
    { numRuns: 150 }
  )
})
