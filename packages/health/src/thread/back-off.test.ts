import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextWait } from './back-off.ts'

test('short lives wait twice as long each time, up to ten seconds; a long one starts over', () => {
  let wait: number | undefined
  const waits = [0, 0, 9_999, 0, 0, 0, 0, 0, 0, 10_000, 0].map(livedMs => {
    wait = nextWait(wait, livedMs)
    return wait
  })
  assert.deepEqual(waits, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 100, 200])
})
