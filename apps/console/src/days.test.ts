import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utcDays } from './days.ts'

const at = (text: string) => Date.parse(text)
const now = at('2026-03-10T14:20:00Z')

test('whole days in the past carry no remark, and a day without a session is a zero', () => {
  const days = utcDays(
    [
      { day: '2015-05-18', sessions: 1029 },
      { day: '2015-05-17', sessions: 546 }
    ],
    at('2015-05-17T00:00Z'),
    at('2015-05-20T00:00Z'),
    now
  )
  assert.deepEqual(days, [
    { day: '2015-05-17', sessions: 546, part: undefined },
    { day: '2015-05-18', sessions: 1029, part: undefined },
    { day: '2015-05-19', sessions: 0, part: undefined }
  ])
})

test('a day that the range covers in part says which part; today is only so far', () => {
  const days = utcDays([], at('2026-03-08T15:00Z'), at('2026-03-10T15:00Z'), now)
  assert.deepEqual(
    days.map(({ part }) => part),
    ['from 15:00', undefined, 'so far']
  )
  assert.equal(utcDays([], at('2026-03-08T00:00Z'), at('2026-03-08T09:00Z'), now)[0]?.part, 'until 09:00')
})

test('a range of decades lists only the days that have sessions', () => {
  assert.equal(utcDays([{ day: '2015-05-17', sessions: 1 }], 0, now, now).length, 1)
})
