import assert from 'node:assert/strict'
import { test } from 'node:test'
import { age, count, dayName, instant, lag, millis, percent, span, timeOfDay } from './format.ts'

test('counts carry thousands separators, and what is not known is a dash, never a zero', () => {
  assert.equal(count(9999), '9,999')
  assert.equal(count(0), '0')
  assert.equal(count(null), '–')
  assert.equal(count(Number.NaN), '–')
})

test('a share is never rounded to none or to all', () => {
  assert.equal(percent(0), '0%')
  assert.equal(percent(0.00001), '<0.01%')
  assert.equal(percent(0.0217), '2.17%')
  assert.equal(percent(0.12345), '12.3%')
  assert.equal(percent(0.99999), '>99.9%')
  assert.equal(percent(1), '100%')
  assert.equal(percent(null), '–')
})

test('latencies keep about three figures and change unit at the right place', () => {
  assert.equal(millis(4.24), '4.2 ms')
  assert.equal(millis(412.4), '412 ms')
  assert.equal(millis(999.7), '1.00 s')
  assert.equal(millis(12_345), '12.3 s')
  assert.equal(millis(90_000), '1.5 min')
  assert.equal(millis(null), '–')
})

test('ages and lags', () => {
  assert.equal(age(-5), '0 s')
  assert.equal(age(59_999), '59 s')
  assert.equal(age(180_000), '3 min')
  assert.equal(age(86_400_000 * 4), '4 d')
  assert.equal(lag(0), '0 s')
  assert.equal(lag(0.2), '1 ms')
  assert.equal(lag(2345), '2.3 s')
})

test('times are in UTC whatever the zone of the viewer', () => {
  assert.equal(timeOfDay('2015-05-17T23:59:58.123Z'), '23:59:58')
  assert.equal(dayName('2015-05-17'), 'Sun 17 May 2015')
  assert.equal(dayName('2015-05-17', false), 'Sun 17 May')
  assert.equal(instant('2015-05-17T10:00:00.000Z'), 'Sun 17 May 2015, 10:00 UTC')
  assert.equal(span('2015-05-17T00:00Z', '2015-05-21T00:00Z'), '17 May 00:00 – 21 May 2015 00:00 UTC')
  assert.equal(span('2025-12-31T00:00Z', '2026-01-01T00:00Z'), '31 Dec 2025 00:00 – 1 Jan 2026 00:00 UTC')
})

test('a time that is no time does not throw', () => {
  assert.equal(timeOfDay('nonsense'), '--:--:--')
  assert.equal(dayName('nonsense'), 'nonsense')
})
