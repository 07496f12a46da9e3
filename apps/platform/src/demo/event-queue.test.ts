import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { EventQueue } from './event-queue.ts'

test('what went in comes out in order of time, and equal times as they went in', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), times => {
      const queue = new EventQueue<{ timeMs: number; turn: number }>()
      const entries = times.map((timeMs, turn) => ({ timeMs, turn }))
      for (const entry of entries) queue.add(entry)
      assert.deepEqual(
        [...queue.until(21)],
        entries.toSorted((a, b) => a.timeMs - b.timeMs || a.turn - b.turn)
      )
      assert.equal(queue.size, 0)
    })
  )
})

test('only what is before the time comes out', () => {
  const queue = new EventQueue<{ timeMs: number }>()
  for (const timeMs of [5, 1, 3]) queue.add({ timeMs })
  assert.deepEqual(
    [...queue.until(3)].map(({ timeMs }) => timeMs),
    [1]
  )
  queue.add({ timeMs: 2 })
  assert.deepEqual(
    [...queue.until(6)].map(({ timeMs }) => timeMs),
    [2, 3, 5]
  )
})
