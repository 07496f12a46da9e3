import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextWait } from './back-off.ts'

/** The waits after runs that served for so long, one after another. */
function waitsAfter(...served: number[]): number[] {
  let wait: number | undefined
  return served.map(ms => {
    wait = nextWait(wait, ms)
    return wait
  })
}

test('the first restart comes at once, whatever the run was like', () => {
  assert.deepEqual(waitsAfter(0), [100])
  assert.deepEqual(waitsAfter(90_000), [100])
})

test('runs that never served wait twice as long each time, up to ten seconds', () => {
  assert.deepEqual(waitsAfter(0, 0, 0, 0, 0, 0, 0, 0, 0), [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
})

test('a run that served for two seconds starts over', () => {
  assert.deepEqual(waitsAfter(0, 0, 0, 1_999, 2_000, 0), [100, 200, 400, 800, 100, 200])
})

test('the figures can be others', () => {
  const options = { firstMs: 5, capMs: 15, stableMs: 50 }
  assert.deepEqual(
    [nextWait(undefined, 0, options), nextWait(5, 49, options), nextWait(10, 0, options), nextWait(15, 50, options)],
    [5, 10, 15, 5]
  )
})
