import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLastWords } from './last-words.ts'

const event = (id: string, bytes = 100) => ({ id, body: 'x'.repeat(bytes) })

test('holds what is new and not settled, and gives it once', () => {
  let now = 0
  const words = createLastWords(() => now)
  words.add(event('old'))
  now = 30_000
  words.add(event('settled'))
  words.add(event('new'))
  words.settled([['settled']])
  assert.deepEqual(
    words.take().map(({ id }) => id),
    ['new']
  )
  assert.deepEqual(words.take(), [])
})

test('is never more than a browser sends for a page that is gone: the newest, in their order', () => {
  const words = createLastWords(() => 0)
  for (let n = 0; n < 1_000; n++) words.add(event(`${n}`, 1_000))
  const taken = words.take()
  assert.deepEqual(
    taken.map(({ id }) => id),
    Array.from({ length: 59 }, (_, n) => `${n + 941}`)
  )
})
