import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseMoment } from './moment.ts'

test('a moment is what RFC 3339 says, with its offset applied', () => {
  assert.equal(parseMoment('1970-01-01T00:00:00Z'), 0)
  assert.equal(parseMoment('2026-05-17T14:00:00.25+02:00'), Date.UTC(2026, 4, 17, 12, 0, 0, 250))
  assert.equal(parseMoment('2024-02-29T23:59:59.999999999Z'), Date.UTC(2024, 1, 29, 23, 59, 59, 999))
})

test('what only looks like one is none', () => {
  for (const text of [
    '',
    '1',
    '2026',
    '2026-05-17',
    'May 17, 2026',
    '2026-05-17T12:00:00',
    '2026-05-17 12:00:00Z',
    '2026-05-17T12:00:00Z\n',
    '2026-02-30T00:00:00Z',
    '2026-06-31T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T00:61:00Z',
    '2026-01-01T00:00:60Z'
  ]) {
    assert.equal(parseMoment(text), undefined, JSON.stringify(text))
  }
})

test('a year that the store cannot write is none: before 1 and after 9999, the offset counted', () => {
  assert.equal(parseMoment('0000-12-31T23:59:59Z'), undefined)
  assert.equal(parseMoment('0001-01-01T00:00:00+00:01'), undefined)
  assert.equal(parseMoment('9999-12-31T23:59:59-00:01'), undefined)
  assert.equal(new Date(parseMoment('9999-12-31T23:59:59Z')!).toISOString(), '9999-12-31T23:59:59.000Z')
})

test('every day of the calendar is one, and reads back as it was written', () => {
  const days = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T00:00:00Z'),
    noInvalidDate: true
  })
  fc.assert(fc.property(days, date => assert.equal(parseMoment(date.toISOString()), date.getTime())))
})
