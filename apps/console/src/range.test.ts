import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endsNow, nextPreset, presetOf, resolveRange, snapToHours, stepRange } from './range.ts'

const at = (text: string) => Date.parse(text)
const now = at('2026-03-10T14:20:00Z')
const old = { firstEvent: '2015-05-17T10:05:00.000Z', lastEvent: '2015-05-20T21:05:59.000Z' }
const live = { firstEvent: '2026-03-03T09:00:00.000Z', lastEvent: '2026-03-10T14:19:59.000Z' }

test('a preset ends with the running hour', () => {
  assert.deepEqual(resolveRange('24h', undefined, now), { from: at('2026-03-09T15:00Z'), to: at('2026-03-10T15:00Z') })
})

test('the data’s own range is whole UTC days, and a day still going on ends with the hour', () => {
  assert.deepEqual(resolveRange('data', old, now), { from: at('2015-05-17T00:00Z'), to: at('2015-05-21T00:00Z') })
  assert.deepEqual(resolveRange('data', live, now), { from: at('2026-03-03T00:00Z'), to: at('2026-03-10T15:00Z') })
  assert.equal(resolveRange('data', { firstEvent: null, lastEvent: null }, now), undefined)
})

test('the last event of a day at its last millisecond stays inside the range', () => {
  const range = resolveRange(
    'data',
    { firstEvent: '2015-05-17T00:00:00.000Z', lastEvent: '2015-05-18T00:00:00.000Z' },
    now
  )
  assert.equal(range?.to, at('2015-05-19T00:00Z'))
})

test('no choice leaves the range to the platform', () => assert.equal(resolveRange(undefined, live, now), undefined))

test('the button that matches the shown span is lit', () => {
  assert.equal(presetOf({ from: at('2026-03-03T15:00Z'), to: at('2026-03-10T15:00Z') }, live, now), '7d')
  assert.equal(presetOf({ from: at('2015-05-17T00:00Z'), to: at('2015-05-21T00:00Z') }, old, now), 'data')
  assert.equal(presetOf({ from: at('2015-05-18T00:00Z'), to: at('2015-05-19T00:00Z') }, old, now), undefined)
})

test('stepping back and on again returns to the preset that moves with time', () => {
  const shown = { from: at('2026-03-03T15:00Z'), to: at('2026-03-10T15:00Z') }
  const back = stepRange(shown, -1, now)
  assert.deepEqual(back, { from: at('2026-02-24T15:00Z'), to: at('2026-03-03T15:00Z') })
  assert.equal(typeof back === 'object' && stepRange(back, 1, now), '7d')
})

test('a span of another width never steps past the present', () => {
  const shown = { from: at('2026-03-07T00:00Z'), to: at('2026-03-10T00:00Z') }
  assert.deepEqual(stepRange(shown, 1, now), { from: at('2026-03-07T15:00Z'), to: at('2026-03-10T15:00Z') })
  assert.equal(endsNow(shown, now), false)
  assert.equal(endsNow({ from: 0, to: at('2026-03-10T15:00Z') }, now), true)
})

test('presets go round', () => {
  assert.equal(nextPreset('24h'), '7d')
  assert.equal(nextPreset('data'), '24h')
  assert.equal(nextPreset(undefined), '24h')
})

test('a dragged span snaps outward, and is at least an hour', () => {
  assert.deepEqual(snapToHours(now, now + 1), { from: at('2026-03-10T14:00Z'), to: at('2026-03-10T15:00Z') })
})
