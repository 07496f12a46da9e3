import assert from 'node:assert/strict'
import { test } from 'node:test'
import { examplesOf } from './readme-examples.ts'

const fence = '`'.repeat(3)
const page = (...lines: string[]) => examplesOf(lines.join('\n'))

test('each block of TypeScript is an example, in the order of the page', () => {
  assert.deepEqual(
    page('# p', `${fence}ts`, 'a()', '', 'b()', fence, 'and', `${fence}sh`, 'ls', fence, `${fence}ts`, 'c()', fence),
    [
      { file: 'example-1.ts', code: 'a()\n\nb()\n', use: 'run', line: 3 },
      { file: 'example-2.ts', code: 'c()\n', use: 'run', line: 12 }
    ]
  )
})

test('one that names itself is a file beside the others', () => {
  const [first, second] = page(`${fence}ts`, '// count.ts', 'export {}', fence, `${fence}ts`, '// it counts', fence)
  assert.deepEqual([first!.file, first!.use], ['count.ts', 'beside'])
  assert.deepEqual([second!.file, second!.use], ['example-2.ts', 'run'])
})

test('one that is marked is only shown, and the mark needs a reason', () => {
  const use = (mark: string) => page(mark, '', `${fence}ts`, 'x', fence)[0]!.use
  assert.equal(use('<!-- not run: needs a server -->'), 'shown')
  assert.equal(use('<!-- not run: -->'), 'run')
  assert.equal(use('not run: because'), 'run')
})

test('a mark is for the block after it alone', () => {
  const uses = page('<!-- not run: why -->', `${fence}ts`, fence, `${fence}ts`, fence).map(({ use }) => use)
  assert.deepEqual(uses, ['shown', 'run'])
})

test('a fence within a longer fence is text', () => {
  assert.deepEqual(page(`${fence}\`md`, `${fence}ts`, 'x', fence, `${fence}\``), [])
})

test('a block of text that comes next is what it prints', () => {
  const run = [`${fence}ts`, 'log()', fence]
  const text = [`${fence}text`, 'one', '', 'two', fence]
  const prints = (...lines: string[]) => page(...lines).map(example => example.prints)
  assert.deepEqual(prints(...run, 'and it says', '', ...text, ...text), ['one\n\ntwo\n'])
  assert.deepEqual(prints(...text, ...run, `${fence}sh`, 'ls', fence, ...text), [undefined])
})
