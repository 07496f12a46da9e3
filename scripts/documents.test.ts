import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokenLinks, machineTraces } from './documents.ts'

const repository = new Set(['README.md', 'docs', 'docs/architecture.md', 'docs/console.png', 'docs/two words.md'])
const broken = (text: string, path = 'docs/index.md') => brokenLinks(path, text, file => repository.has(file))

test('links that resolve are silent', () => {
  assert.deepEqual(
    broken('[a](architecture.md) [b](./architecture.md#limits) ![c](console.png "title") [d](../README.md)'),
    []
  )
  assert.deepEqual(broken('[a](two%20words.md) [b](/README.md) [c](../docs/) [d](#here)'), [])
  assert.deepEqual(broken('[a](https://example.org/x.md) <a href="mailto:a@example.org">b</a>'), [])
})

test('a link to what is not there is named', () => {
  assert.deepEqual(broken('see [a](missing.md#part)'), ["docs/index.md: the link to 'missing.md#part' leads nowhere"])
  assert.equal(broken('![a](pictures/none.png)').length, 1)
  assert.equal(broken('[a]: none.md').length, 1)
  assert.equal(broken('<img alt="x" src="none.png">').length, 1)
})

test('code is not prose', () => {
  assert.deepEqual(broken('```md\n[a](missing.md)\n```\nand `[b](missing.md)`'), [])
})

test('a registry host or a folder of one machine is found with its line', () => {
  const host = ['registry', 'npmjs', 'org'].join('.')
  const folder = ['', 'work', 'main'].join('/')
  assert.match(machineTraces('a.md', `one\nhttps://${host}/x`)[0]!, /^a\.md:2: names a package registry/)
  assert.match(machineTraces('a.md', `cd ${folder}`)[0]!, /^a\.md:1: names a folder/)
})

test('what a merge left behind is found, also after a formatter', () => {
  for (const mark of ['<'.repeat(7), '>'.repeat(7), Array(7).fill('>').join(' ')])
    assert.match(machineTraces('a.md', `one\n${mark} branch`)[0] ?? mark, /^a\.md:2: is what a merge left behind/)
  assert.match(machineTraces('a.md', `| ${'<'.repeat(7)} HEAD |`)[0]!, /merge/)
  assert.deepEqual(machineTraces('a.md', '> said\n>> twice\na << 3'), [])
})

test('a folder that happens to be called work is no trace', () => {
  assert.deepEqual(machineTraces('a.md', ['packages', 'work', 'src'].join('/')), [])
})
