import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packedCode, packedManifest, packedTypes } from './packed-form.ts'

test('the doors lead to what was made, types first, and everything else is kept', () => {
  const manifest = {
    name: '@plimsoll/p',
    version: '1.2.3',
    type: 'module',
    exports: { '.': './src/index.ts', './deep': './src/deep/x.ts' },
    dependencies: { pg: '8.0.0' },
    peerDependencies: { fastify: '5.0.0' },
    devDependencies: { 'fast-check': '4.0.0' }
  }
  assert.deepEqual(packedManifest(manifest), {
    name: '@plimsoll/p',
    version: '1.2.3',
    type: 'module',
    dependencies: { pg: '8.0.0' },
    peerDependencies: { fastify: '5.0.0' },
    exports: {
      '.': { types: './dist/index.d.ts', default: './dist/index.js' },
      './deep': { types: './dist/deep/x.d.ts', default: './dist/deep/x.js' }
    },
    files: ['dist']
  })
})

test('a door may lead to another place in a browser', () => {
  const door = { browser: './src/page.ts', default: './src/index.ts' }
  assert.deepEqual(packedManifest({ name: 'p', version: '1.0.0', exports: { '.': door } }).exports, {
    '.': {
      browser: { types: './dist/page.d.ts', default: './dist/page.js' },
      default: { types: './dist/index.d.ts', default: './dist/index.js' }
    }
  })
})

test('a door that leads elsewhere is an error', () => {
  assert.throws(
    () => packedManifest({ name: 'p', version: '1.0.0', exports: { '.': './lib/index.js' } }),
    /not '\.\/lib\/index\.js'/
  )
})

test('a worker is named as what it was made into, and nothing else is touched', () => {
  assert.equal(
    packedCode(`new Worker(new URL('./worker.ts', import.meta.url)); new URL("../a.ts", import.meta.url)`),
    `new Worker(new URL('./worker.js', import.meta.url)); new URL("../a.js", import.meta.url)`
  )
  for (const same of [`new URL('./migrations/', import.meta.url)`, `new URL('./a.ts', base)`, `'./a.ts'`]) {
    assert.equal(packedCode(same), same)
  }
})

test('declarations name declarations', () => {
  assert.equal(
    packedTypes(`export { a } from './a.ts'\nimport "../b.ts"\ntype C = import('./deep/c.ts').C`),
    `export { a } from './a.js'\nimport "../b.js"\ntype C = import('./deep/c.js').C`
  )
  assert.equal(packedTypes(`from 'pkg/a.ts'`), `from 'pkg/a.ts'`)
})
