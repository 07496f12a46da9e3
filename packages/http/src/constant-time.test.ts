import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bearer, sameSecret } from './constant-time.ts'

test('secrets are the same only when they are equal, whatever their lengths', () => {
  assert.equal(sameSecret('anchor', 'anchor'), true)
  assert.equal(sameSecret('anchor', 'anchors'), false)
  assert.equal(sameSecret('anchor', 'Anchor'), false)
  assert.equal(sameSecret('', 'x'), false)
  assert.equal(sameSecret('', ''), true)
})

const token = (authorization?: string) => bearer({ headers: authorization === undefined ? {} : { authorization } })

test('the token is what follows the scheme', () => {
  assert.equal(token('Bearer abc.DEF-1_2~3+/=='), 'abc.DEF-1_2~3+/==')
  assert.equal(token('bearer  abc'), 'abc')
})

test('anything else is no token', () => {
  for (const header of [undefined, '', 'Bearer', 'Bearer ', 'Basic abc', 'Bearer a b', 'Bearerabc', 'Bearer é']) {
    assert.equal(token(header), undefined, `${header}`)
  }
  assert.equal(token(`Bearer ${'a'.repeat(2000)}`), undefined)
})
