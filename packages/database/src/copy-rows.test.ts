import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type CopyType, copyRows } from './copy-rows.ts'
import { DatabaseError } from './errors.ts'

it('refuses a value that is none of its type, and says which', () => {
  const bad: [CopyType, unknown][] = [
    ['int2', 1.5],
    ['int2', 32_768],
    ['int2', '1'],
    ['int4', 1.5],
    ['int4', 2 ** 31],
    ['int4', '1'],
    ['int4', Number.NaN],
    ['int8', 1.5],
    ['int8', 'one'],
    ['int8', 2n ** 63n],
    ['text', 7],
    ['json', {}],
    ['jsonb', {}],
    ['timestamptz', new Date('never')],
    ['timestamptz', Number.POSITIVE_INFINITY],
    ['timestamptz', 'today'],
    ['uuid', ''],
    ['uuid', '01999999-abcd-7ef0-8123-456789abcde'],
    ['uuid', '01999999-abcd-7ef0-8123-456789abcdeg'],
    ['uuid', '01999999xabcd-7ef0-8123-456789abcdef'],
    ['uuid', '01999999-abcd-7ef0-8123-456789abcdé0'],
    ['uuid', '0199999-9abcd-7ef0-8123-456789abcdef']
  ]
  for (const [type, value] of bad) {
    assert.throws(
      () => copyRows([type], [[value]]),
      (error: unknown) => error instanceof DatabaseError && error.code === '22P02' && error.message.endsWith(type),
      `${type} ${String(value)}`
    )
  }
})

it('gives bytes that nothing written later changes, however many there are', () => {
  const small = copyRows(['text'], [['one']])
  const before = Buffer.from(small).toString('hex')
  const large = copyRows(
    ['text', 'text'],
    Array.from({ length: 300 }, () => ['é'.repeat(20_000), null])
  )
  assert.equal(large.length, 19 + 300 * (2 + 4 + 40_000 + 4) + 2)
  assert.equal(Buffer.from(copyRows(['text'], [['two']])).length, small.length)
  assert.equal(Buffer.from(small).toString('hex'), before)
})
