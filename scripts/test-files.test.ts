import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { filesThatMeetAStore, findTestFiles, selectTestFiles } from './test-files.ts'

test('tests are found beside the code, never in what was installed or built', t => {
  const root = mkdtempSync(join(tmpdir(), 'plimsoll-test-files-'))
  t.after(() => rmSync(root, { recursive: true }))
  const paths = [
    'packages/a/src/deep/one.test.ts',
    'apps/b/src/two.test.tsx',
    'scripts/three.test.ts',
    'packages/a/src/one.ts',
    'packages/a/node_modules/x/four.test.ts',
    'packages/a/dist/five.test.ts',
    'node_modules/y/six.test.ts'
  ]
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), '')
  }
  assert.deepEqual(findTestFiles(root), [
    'apps/b/src/two.test.tsx',
    'packages/a/src/deep/one.test.ts',
    'scripts/three.test.ts'
  ])
})

test('a filter is a part of the path; several filters add up', () => {
  const files = ['packages/http/src/problem.test.ts', 'packages/saga/src/saga.test.ts', 'scripts/imports.test.ts']
  assert.deepEqual(selectTestFiles(files, []), files)
  assert.deepEqual(selectTestFiles(files, ['packages/http']), files.slice(0, 1))
  assert.deepEqual(selectTestFiles(files, ['./scripts/imports.test.ts', 'saga']), files.slice(1))
  assert.deepEqual(selectTestFiles(files, ['nothing']), [])
})

test('on another store only those run that meet one', () => {
  const kept = [
    'apps/cli/src/end-to-end/kill.test.ts',
    'packages/eventlog/src/log.test.ts',
    'services/users/src/a.test.ts'
  ]
  const left = ['packages/http/src/problem.test.ts', 'services/watcher/src/page.test.ts', 'scripts/imports.test.ts']
  assert.deepEqual(filesThatMeetAStore([...left, ...kept]), kept)
})
