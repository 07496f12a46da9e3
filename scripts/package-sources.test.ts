import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourcesFrom } from './package-sources.ts'

const files: Record<string, string> = {
  'packages/p/src/index.ts': `export { a } from './a.ts'\nimport fastify from 'fastify'\nexport type { B } from './deep/b.ts'`,
  'packages/p/src/a.ts': `import './index.ts'\nnew Worker(new URL('./deep/worker.ts', import.meta.url))`,
  'packages/p/src/a.test.ts': `import './only-for-tests.ts'`,
  'packages/p/src/deep/b.ts': `migrate(new URL('../migrations/', import.meta.url))`,
  'packages/p/src/deep/worker.ts': '',
  'packages/p/src/testing.ts': `import './only-for-tests.ts'`,
  'packages/p/src/only-for-tests.ts': ''
}
const read = (path: string) => {
  assert.ok(path in files, path)
  return files[path]!
}

test('a package is what its doors lead to: imports, types, workers and folders', () => {
  assert.deepEqual(sourcesFrom(['packages/p/src/index.ts'], read), {
    code: ['a', 'deep/b', 'deep/worker', 'index'].map(name => `packages/p/src/${name}.ts`),
    folders: ['packages/p/src/migrations/']
  })
})

test('what is there for tests comes along when it is a door', () => {
  assert.deepEqual(sourcesFrom(['packages/p/src/testing.ts'], read).code, [
    'packages/p/src/only-for-tests.ts',
    'packages/p/src/testing.ts'
  ])
})
