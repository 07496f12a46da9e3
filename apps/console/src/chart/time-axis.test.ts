import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tickLabel, ticks } from './time-axis.ts'

const at = (text: string) => Date.parse(text) / 1000

test('midnight is named by its day, other hours by their time, months by name', () => {
  assert.equal(tickLabel(at('2015-05-17T00:00Z'), 6 * 3600), '17 May')
  assert.equal(tickLabel(at('2015-05-17T06:00Z'), 6 * 3600), '06:00')
  assert.equal(tickLabel(at('2015-05-17T00:00Z'), 91 * 86_400), 'May 2015')
})

test('ticks stand on whole UTC steps inside the range', () => {
  assert.deepEqual(ticks(at('2015-05-17T05:00Z'), at('2015-05-18T06:00Z'), 12 * 3600), [
    at('2015-05-17T12:00Z'),
    at('2015-05-18T00:00Z')
  ])
})
