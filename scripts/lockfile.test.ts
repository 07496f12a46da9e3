import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingOptional } from './lockfile.ts'

const lint = { version: '1.0.0', optionalDependencies: { 'lint-linux': '1.0.0', 'lint-darwin': '1.0.0' } }

test('a lockfile holds the packages of every platform, beside the package or at the top', () => {
  const packages = {
    '': { optionalDependencies: { lint: '1.0.0' } },
    'node_modules/lint': lint,
    'node_modules/lint-linux': { version: '1.0.0' },
    'node_modules/lint/node_modules/lint-darwin': { version: '1.0.0' }
  }
  assert.deepEqual(missingOptional({ packages }), [])
})

test('one that is missing, or is there without a version, is named', () => {
  const packages = { 'node_modules/lint': lint, 'node_modules/lint-linux': {} }
  const faults = missingOptional({ packages })
  assert.equal(faults.length, 2)
  assert.match(faults[1]!, /node_modules\/lint wants lint-darwin 1\.0\.0/)
})
