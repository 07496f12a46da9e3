import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { featureName } from './feature-name.ts'

test('the first segment of the path', () => {
  assert.equal(featureName('/charts/north/1.png'), 'charts')
  assert.equal(featureName('/charts'), 'charts')
  assert.equal(featureName('//charts/'), 'charts')
  assert.equal(featureName('/charts?a=/b'), 'charts')
  assert.equal(featureName('/charts#b'), 'charts')
})

test('the root', () => {
  for (const target of ['/', '/?a=/b', '', 'http://example.org', 'https://example.org/?q', '//']) {
    assert.equal(featureName(target), '/', target)
  }
})

test('an absolute URL counts by its path', () => {
  assert.equal(featureName('http://example.org:8080/charts/1'), 'charts')
  assert.equal(featureName('/go/http://example.org/charts'), 'go')
})

test('other targets stand for themselves', () => {
  assert.equal(featureName('*'), '*')
  assert.equal(featureName('example.org:443'), 'example.org:443')
})

test('percent signs are decoded where that gives readable text', () => {
  assert.equal(featureName('/caf%C3%A9/x'), 'café')
  assert.equal(featureName('/a%2Fb/c'), 'a/b')
  for (const segment of ['100%', '%zz', '%ff', '%00', 'a%0Ab']) assert.equal(featureName(`/${segment}/x`), segment)
})

test('it is never empty, never longer than 120 characters, and never half a character', () => {
  assert.equal(featureName(`/${'😀'.repeat(200)}`), '😀'.repeat(120))
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), target => {
      const name = featureName(target)
      assert.ok(name.length > 0 && [...name].length <= 120)
      assert.ok(name.isWellFormed())
    })
  )
})
