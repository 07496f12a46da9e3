import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toCsv } from './csv.ts'

test('a table with a header, one line a row', () => {
  assert.equal(toCsv(['feature', 'uses', 'p50'], [['search', 1200, null]]), 'feature,uses,p50\r\nsearch,1200,\r\n')
})

test('commas, quotes and line ends stay inside their cell', () => {
  assert.equal(toCsv(['a'], [['x,"y"\nz']]), 'a\r\n"x,""y""\nz"\r\n')
})

test('a name that would be a formula is only text, and a negative number stays a number', () => {
  assert.equal(toCsv(['a', 'b'], [['=HYPERLINK("http://x")', -4]]), 'a,b\r\n"\'=HYPERLINK(""http://x"")",-4\r\n')
})
