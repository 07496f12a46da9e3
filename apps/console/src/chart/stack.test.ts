import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { axisSpan, columns, grid, stack } from './stack.ts'

const at = (text: string) => Date.parse(text)
const hour = (n: number) => `2026-03-10T${String(n).padStart(2, '0')}:00:00.000Z`
const morning = grid(at(hour(0)), at(hour(4)), 'hour', at(hour(12)))

test('the grid holds every step of the range, and none that lies in the future', () => {
  assert.equal(morning.times.length, 4)
  assert.equal(grid(at(hour(0)), at(hour(4)), 'hour', at('2026-03-10T01:30:00Z')).times.length, 2)
  assert.equal(grid(at('2026-03-01T00:00Z'), at('2026-03-08T00:00Z'), 'day', at(hour(0))).times.length, 7)
})

test('the axis covers whole steps, so that today’s bar is drawn in full', () => {
  const span = axisSpan(at(hour(4)), at(hour(9)), 'day')
  assert.deepEqual(span, [at('2026-03-10T00:00Z') / 1000, at('2026-03-11T00:00Z') / 1000])
  assert.deepEqual(axisSpan(at(hour(4)), at(hour(9)), 'hour'), [at(hour(4)) / 1000, at(hour(9)) / 1000])
})

test('a range of a century does not make a million points', () => {
  assert.ok(grid(0, at('2070-01-01T00:00Z'), 'hour', at('2070-01-01T00:00Z')).times.length <= 6000)
})

test('a step the answer left out counts zero sessions, but measures nothing', () => {
  const points = [{ time: hour(1), tiers: { free: 3, pro: 2 } }]
  const stacked = stack(points, ['free', 'pro'], morning)
  assert.deepEqual(stacked.own, [
    [0, 3, 0, 0],
    [0, 2, 0, 0]
  ])
  assert.deepEqual(stacked.cumulative, [
    [0, 3, 0, 0],
    [0, 5, 0, 0]
  ])
  assert.deepEqual(columns([{ time: hour(2), p50: 12 }], morning, [point => point.p50]), [[null, null, 12, null]])
})

test('the top of the stack is the sum of all tiers, and no layer dips below the one under it', () => {
  const counts = fc.record({ free: fc.nat(50), pro: fc.nat(50), unknown: fc.nat(50) })
  fc.assert(
    fc.property(fc.array(counts, { minLength: 4, maxLength: 4 }), hours => {
      const points = hours.map((tiers, index) => ({ time: hour(index), tiers }))
      const { cumulative, own } = stack(points, ['free', 'pro', 'unknown'], morning)
      for (const [index, tiers] of hours.entries()) {
        assert.equal(cumulative.at(-1)?.[index], tiers.free + tiers.pro + tiers.unknown)
        assert.ok(own.every((_, layer) => layer === 0 || cumulative[layer]![index]! >= cumulative[layer - 1]![index]!))
      }
    })
  )
})
