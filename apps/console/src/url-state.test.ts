import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatView, parseView, toggleRegion, type View } from './url-state.ts'

test('an address without a query leaves every choice open', () => {
  assert.deepEqual(parseView(''), { project: undefined, range: undefined, regions: [] })
  assert.equal(formatView(parseView('')), '')
})

test('a custom range is readable in the address', () => {
  const search = '?project=default&from=2015-05-17T00:00Z&to=2015-05-21T00:00Z&region=eu-west,us-east'
  const view = parseView(search)
  assert.deepEqual(view.range, { from: Date.UTC(2015, 4, 17), to: Date.UTC(2015, 4, 21) })
  assert.deepEqual(view.regions, ['eu-west', 'us-east'])
  assert.equal(formatView(view), search)
})

test('what cannot be understood is left out, and the rest still counts', () => {
  const view = parseView('?project=shop&range=99y&from=yesterday&to=2015-05-21T00:00Z&region=,,eu,eu,')
  assert.deepEqual(view, { project: 'shop', range: undefined, regions: ['eu'] })
  assert.equal(
    parseView('?from=2015-05-21T00:00Z&to=2015-05-17T00:00Z').range,
    undefined,
    'a range that ends before it starts'
  )
  assert.equal(parseView(`?project=${'x'.repeat(65)}`).project, undefined)
})

test('a region is taken in and out of the filter, and the order never matters', () => {
  assert.deepEqual(toggleRegion(['us'], 'eu'), ['eu', 'us'])
  assert.deepEqual(toggleRegion(['eu', 'us'], 'eu'), ['us'])
})

test('every view survives the way through the address', () => {
  const label = fc.stringMatching(/^[a-zA-Z0-9_.:&=?#% ü-]{1,40}$/).filter(text => text.trim() === text)
  const minutes = fc.integer({ min: 0, max: 40_000_000 })
  const range = fc.oneof(
    fc.constantFrom('24h' as const, '7d' as const, '30d' as const, 'data' as const),
    fc.tuple(minutes, fc.integer({ min: 1, max: 100_000 })).map(([from, width]) => ({
      from: from * 60_000,
      to: (from + width) * 60_000
    }))
  )
  const view: fc.Arbitrary<View> = fc.record(
    {
      project: fc.option(label, { nil: undefined }),
      range: fc.option(range, { nil: undefined }),
      regions: fc.uniqueArray(label, { maxLength: 5 }).map(regions => regions.sort())
    },
    { noNullPrototype: true }
  )
  fc.assert(fc.property(view, before => assert.deepEqual(parseView(formatView(before)), before)))
})
