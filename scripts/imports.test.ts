import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf } from './imports.ts'

test('every form of import is seen', () => {
  const source = [
    `import fastify, { type FastifyInstance } from 'fastify'`,
    `import type { Clock } from "./clock.ts"`,
    `import './side-effect.ts'`,
    `export * from './contract.ts'`,
    `export { a as b } from './a.ts'`,
    `const lazy = await import('node:zlib')`,
    `type Lazy = import('./lazy.ts').Lazy`,
    `const worker = new Worker(new URL('./worker.ts', import.meta.url))`,
    `const where = import.meta.resolve('@plimsoll/database')`
  ].join('\n')
  assert.deepEqual(importsOf(source), [
    'fastify',
    './clock.ts',
    './side-effect.ts',
    './contract.ts',
    './a.ts',
    'node:zlib',
    './lazy.ts',
    './worker.ts',
    '@plimsoll/database'
  ])
})

test('an import that spans lines is seen', () => {
  assert.deepEqual(importsOf(`import {\n  a, // from 'x'\n  b\n} from\n  './far.ts'`), ['./far.ts'])
})

test('what only looks like an import is not one', () => {
  const source = [
    `// import a from 'comment'`,
    `/* export * from 'block' */`,
    `const text = "import b from 'string'"`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is a program
    'const code = `import c from "template"; ${name("still")} export * from "after"`',
    `const list = Array.from('abc')`,
    `const range = { from: 'monday', import: 'x' }`,
    `const data = new URL('./migrations/', import.meta.url)`
  ].join('\n')
  assert.deepEqual(importsOf(source), [])
})

test('code inside a template placeholder is code', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text is a program
  assert.deepEqual(importsOf("const s = `a ${ { b: (await import('./inner.ts')).x }.b } c`; import './after.ts'"), [
    './inner.ts',
    './after.ts'
  ])
})

test('a quote inside a regular expression hides nothing after it', () => {
  assert.deepEqual(importsOf(`const q = /['"\`]/g\nimport './a.ts'\nconst half = total / 2 // it's\nimport './b.ts'`), [
    './a.ts',
    './b.ts'
  ])
})

test('an apostrophe in JSX text ends with its line', () => {
  assert.deepEqual(importsOf(`const x = <p>Don't</p>\nconst Page = lazy(() => import('./page.tsx'))`), ['./page.tsx'])
})

test('an unfinished comment or string ends with the file', () => {
  assert.deepEqual(importsOf(`import './a.ts'\n/* open`), ['./a.ts'])
  assert.deepEqual(importsOf(`import './a.ts'\nconst x = 'open`), ['./a.ts'])
})
