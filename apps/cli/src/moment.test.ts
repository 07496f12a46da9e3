import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError } from './exit-codes.ts'
import { momentOf } from './moment.ts'

const now = Date.UTC(2026, 10, 29, 12)
const read = (text: string) => momentOf('--at', text, now)

test('a moment is a time, also as the commands print it, or how long ago', () => {
  const moment = Date.UTC(2026, 10, 29, 1, 43, 53)
  for (const text of ['2026-11-29T01:43:53Z', '2026-11-29T02:43:53+01:00', '2026-11-29 01:43:53 UTC'])
    assert.equal(read(text), moment, text)
  assert.equal(read('2026-11-29 01:43 UTC'), moment - 53_000)
  assert.deepEqual(['90s', '10m', '2h'].map(read), [now - 90_000, now - 600_000, now - 7_200_000])
})

test('what is none is refused in words', () => {
  for (const text of ['yesterday', '2026-11-29', '2026-11-29 01:43:53', '2026-13-29 01:43:53 UTC', '12 UTC', '5d', ''])
    assert.throws(() => read(text), new RegExp(`^CommandError: --at is a moment, as .* not "${text}"$`), text)
  for (const text of ['99999999999h', `${'9'.repeat(400)}s`])
    assert.throws(
      () => read(text),
      (error: unknown) => error instanceof CommandError && /before 1970/.test(error.message),
      text
    )
})
